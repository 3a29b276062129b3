// The till itself, before any customer: opened, kept in touch with the server, manned, left. It knows its stage and
// tells the screens; what happens with a voucher is counter.ts.
import { IDLE_MS, tryPin } from "./cashiers.ts";
import { Contact, NO_RULES, type Known } from "./contact.ts";
import { momentText } from "./days.ts";
import { NOTHING, type Offline } from "./offline.ts";
import type { Outbox } from "./outbox.ts";
import type { Stage, State } from "./stages.ts";
import { notes } from "./storage.ts";
import type { TillClient } from "./till.ts";
import type { Cashier, Problem } from "./wire.ts";
import * as words from "./words.ts";

export abstract class Stand {
  state: State = {
    stage: { at: "counter" }, basket: [], saleCents: null, today: null, reachable: true, note: null, waiting: [],
    queue: NOTHING, syncedMs: null, rules: NO_RULES, cashier: null, training: false,
  };
  protected readonly contact: Contact;
  private readonly listeners = new Set<(state: State) => void>();
  private touchedMs = 0;
  /** Until what the phone keeps has been read, nobody knows whether anything waits. */
  protected opened = false;
  /** What was shown before that. */
  protected early: string | null = null;

  constructor(
    readonly client: TillClient,
    protected readonly outbox: Outbox,
    protected readonly offline: Offline,
    protected readonly now: () => number,
  ) {
    this.contact = new Contact(client, offline, now, (known) => this.learn(known), (problem) => void this.guardRevoked(problem));
    outbox.onChange((waiting) => {
      this.set({ waiting });
      this.showNews();
    });
    offline.onChange((settled) => {
      this.set({ queue: offline.queue, syncedMs: offline.held?.atMs ?? null });
      this.showNews();
      if (settled) void this.refresh();
    });
  }

  abstract read(text: string): void;
  abstract backToCounter(note?: string | null): void;
  /** Shows an answer that has come, when nobody is being served. */
  protected abstract showNews(): void;

  onChange(listener: (state: State) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Nobody is served and nothing waits: a new version of the till may be taken. */
  get idle(): boolean {
    const { stage, basket, waiting, queue, training } = this.state;
    return this.opened && !training && stage.at === "counter" && basket.length + waiting.length + queue.count === 0 && !this.offline.news();
  }

  /** Opens the till for the day: what was left without an answer comes first. */
  async open(): Promise<void> {
    const till = this.client.till;
    if (!till) return;
    await this.contact.open();
    await this.offline.open();
    await this.outbox.open(till.tillId);
    this.opened = true;
    const unresolved = this.outbox.entries.find(({ entry }) => !entry.outcome);
    if (unresolved && this.state.stage.at === "counter") this.go({ at: "asking", key: unresolved.entry.key });
    else if (this.state.stage.at === "counter") this.backToCounter();
    if (this.early !== null) this.read(this.early);
    this.early = null;
    await this.refresh();
    await this.contact.renew();
  }

  /** Another tab is the till now: this one asks and sends nothing more. */
  leave(): void {
    this.outbox.close();
    this.offline.close();
    this.set({ basket: [], saleCents: null });
    this.go({ at: "elsewhere" });
  }

  /** This tab is the till again. */
  resume(): void {
    this.set({ stage: { at: "counter" } });
    this.backToCounter();
  }

  /** The phone keeps nothing: nothing may be taken. */
  stop(): void {
    this.go({ at: "storage" });
  }

  refresh(): Promise<void> {
    return this.contact.refresh();
  }

  /** Comes back to the front, or hears of a network: all that waited is looked after. */
  async wake(): Promise<void> {
    if (this.asleep()) return;
    this.leaveIdle();
    this.outbox.askAll();
    void this.offline.flush();
    await this.refresh(); // a new day may have begun
    await this.contact.renew();
  }

  /** Every 15 seconds while the till is in front. */
  async beat(): Promise<void> {
    if (this.asleep()) return;
    this.leaveIdle();
    if (this.state.reachable && this.state.queue.count > 0) void this.offline.flush();
    await this.contact.beat();
  }

  /** Somebody is there: a finger, a key, a voucher. */
  touch(): void {
    this.touchedMs = this.now();
  }

  /** Heard of every request: the server answered, or it did not. */
  reachable(answered: boolean, slow = false): void {
    this.contact.heard(answered, slow);
    if (answered && this.state.queue.count > 0 && !this.asleep()) void this.offline.flush();
  }

  /** Says what was wrong with the four digits, or null. */
  async signOn(cashier: Cashier, pin: string): Promise<string | null> {
    const tried = await tryPin(cashier, pin, this.now(), notes);
    if (!tried.ok) {
      return tried.lockedUntilMs === null ? words.pinWrong(tried.left)
        : words.pinLocked(momentText(new Date(tried.lockedUntilMs).toISOString(), this.now(), words.language));
    }
    this.set({ cashier });
    if (this.state.basket.length > 0) this.go({ at: "basket" });
    else this.backToCounter();
    return null;
  }

  signOff(): void {
    this.set({ cashier: null });
    if (this.mustSignOn()) this.go({ at: "cashier" });
    else this.backToCounter();
  }

  /** What was opened for somebody does not stay open for whoever comes next. */
  private leaveIdle(): void {
    const { rules, cashier, stage } = this.state;
    if (Math.abs(this.now() - this.touchedMs) <= IDLE_MS || stage.at === "asking" || stage.at === "verdict") return;
    if (cashier && rules.ask_cashier === "always") this.signOff();
    else if (stage.at === "owner") this.backToCounter();
  }

  private asleep(): boolean {
    return this.state.stage.at === "elsewhere" || this.state.stage.at === "storage";
  }

  protected mustSignOn(): boolean {
    const { rules, cashier, training } = this.state;
    return rules.ask_cashier === "always" && rules.cashiers.length > 0 && !cashier && !training;
  }

  private learn(known: Known): void {
    const back = known.reachable && !this.state.reachable;
    const cashier = known.rules.cashiers.find(({ id }) => id === this.state.cashier?.id) ?? null;
    this.set({ ...known, cashier });
    if (back && !this.asleep()) this.outbox.askAll();
    if (this.state.stage.at === "counter" && this.mustSignOn()) this.go({ at: "cashier" });
  }

  /** What was taken without network is still sent, before the phone says that it is no till any more. */
  protected guardRevoked(problem: Problem): boolean {
    if (problem.reason !== "till_revoked") return false;
    const tillId = this.client.till?.tillId;
    this.set({ basket: [], saleCents: null });
    void this.offline.flush().finally(() => {
      if (this.client.till?.tillId === tillId) this.go({ at: "revoked" }); // or paired anew meanwhile
    });
    return true;
  }

  protected go(stage: Stage): void {
    if (this.asleep()) return; // what ends only now belongs to the tab that is the till
    this.touch();
    this.set(stage.at === "counter" ? { stage } : { stage, note: null });
  }

  protected set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener(this.state);
  }
}
