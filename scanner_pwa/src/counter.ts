// What happens at the counter, from the read to the verdict, without any screen: which stage we are at, the basket,
// the day's total. Screens show its state and call its verbs.
import { BASKET_MAX, has, redemptionBody, taken, total, type Line } from "./basket.ts";
import { NoAnswer, type Entry, type Outbox, type Waiting } from "./outbox.ts";
import { readQr } from "./qr_text.ts";
import { Sight } from "./sight.ts";
import { newIdempotencyKey } from "./signing.ts";
import type { TillClient } from "./till.ts";
import { words } from "./words.ts";
import type { Looked, Problem, Redeemed, Today, VoucherRef } from "./wire.ts";

export type Verdict =
  | { tone: "accepted"; receipt: Redeemed; late: boolean; entry: Entry }
  | { tone: "undone"; cents: number; entry: Entry }
  | { tone: "refused"; problem: Problem; entry: Entry | null }
  | { tone: "foreign"; pairing: boolean }
  | { tone: "silent"; voucher: VoucherRef }
  | { tone: "broken" };

export type Stage =
  | { at: "counter" }
  | { at: "looking" }
  | { at: "basket" }
  | { at: "asking"; key: string }
  | { at: "verdict"; verdict: Verdict }
  | { at: "undo"; redemption: number; cents: number; serials: number[] }
  | { at: "typed" }
  | { at: "today" }
  | { at: "revoked" };

export interface State {
  stage: Stage;
  basket: readonly Line[];
  saleCents: number | null;
  today: Today | null;
  reachable: boolean;
  /** One short line over the camera, with a number so that the same words twice are said twice. */
  note: { text: string; number: number } | null;
  waiting: readonly Waiting[];
}

/** What the cashier hears and feels; never the only signal. */
export interface Feedback {
  tick(): void;
  accepted(): void;
  refused(): void;
  unsure(): void;
}

export class Counter {
  state: State = {
    stage: { at: "counter" }, basket: [], saleCents: null, today: null, reachable: true, note: null, waiting: [],
  };
  private readonly sight = new Sight();
  private readonly listeners = new Set<(state: State) => void>();
  /** The redemption whose customer is still standing here; others are told as news. */
  private liveKey: string | null = null;

  constructor(
    readonly client: TillClient,
    private readonly outbox: Outbox,
    private readonly feedback: Feedback,
    private readonly now: () => number,
  ) {
    outbox.onChange((waiting) => {
      this.set({ waiting });
      this.showNews();
    });
  }

  onChange(listener: (state: State) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Opens the till for the day: what was left without an answer comes first. */
  async open(): Promise<void> {
    const till = this.client.till;
    if (!till) return;
    await this.outbox.open(till.tillId);
    const unresolved = this.outbox.entries.find(({ entry }) => !entry.outcome);
    if (unresolved && this.state.stage.at === "counter") this.go({ at: "asking", key: unresolved.entry.key });
    await this.refresh();
  }

  /** Learns today's total, and whether this till is still one of the shop's. */
  async refresh(): Promise<void> {
    if (!this.client.till) return;
    try {
      const about = await this.client.about();
      if (about.ok) this.set({ today: about.body.today });
      else this.guardRevoked(about.problem);
    } catch {
      // The total is a comfort; the pill "no network" already says it.
    }
  }

  reachable(reachable: boolean): void {
    if (reachable !== this.state.reachable) this.set({ reachable });
  }

  /** A QR in front of the camera, at every frame that shows one. */
  read(text: string): void {
    if (this.state.stage.at !== "counter" || !this.client.till) return;
    if (!this.sight.isNew(text, this.now())) return;
    const seen = readQr(text, this.client.till.programme.host);
    this.feedback.tick();
    if (seen.kind === "voucher") return void this.lookUp({ code: seen.code });
    this.feedback.unsure();
    this.go({ at: "verdict", verdict: { tone: "foreign", pairing: seen.kind === "pairing" } });
  }

  async lookUp(voucher: VoucherRef): Promise<void> {
    if (this.state.basket.length >= BASKET_MAX) return this.backToCounter(words.basketFull);
    const looking: Stage = { at: "looking" };
    this.go(looking);
    try {
      const result = await this.client.lookUp(voucher);
      if (this.state.stage !== looking) return;
      if (!result.ok) return this.refuse(result.problem, null);
      this.take(voucher, result.body);
    } catch (reason) {
      if (!(reason instanceof NoAnswer)) throw reason;
      this.feedback.unsure();
      this.go({ at: "verdict", verdict: { tone: "silent", voucher } });
    }
  }

  setSale(saleCents: number | null): void {
    this.set({ saleCents });
  }

  takeOut(serial: number): void {
    const basket = this.state.basket.filter((line) => line.looked.serial !== serial);
    if (basket.length === 0) return this.giveUp();
    this.set({ basket });
  }

  /** The customer changed their mind, or it was the wrong voucher: nothing was sent. */
  giveUp(): void {
    this.sight.release(this.now());
    this.set({ basket: [], saleCents: null });
    this.backToCounter();
  }

  addAnother(): void {
    this.backToCounter();
  }

  /** Takes the basket. The key is made here, once, and written down before anything is sent. */
  async redeem(): Promise<void> {
    const till = this.client.till;
    if (!till || this.state.stage.at !== "basket") return;
    const { basket, saleCents } = this.state;
    const lines = taken(basket, saleCents, till.programme.whole_use);
    await this.send({
      key: newIdempotencyKey(),
      tillId: till.tillId,
      kind: "redemption",
      path: "/api/v1/till/redemptions",
      body: redemptionBody(lines, saleCents),
      cents: total(lines),
      serials: lines.map(({ line }) => line.looked.serial),
      madeAtMs: this.now(),
      outcome: null,
    });
  }

  askUndo(redemption: number, cents: number, serials: number[]): void {
    void this.forgetShown();
    this.go({ at: "undo", redemption, cents, serials });
  }

  async undo(): Promise<void> {
    const till = this.client.till;
    const stage = this.state.stage;
    if (!till || stage.at !== "undo") return;
    await this.send({
      key: newIdempotencyKey(),
      tillId: till.tillId,
      kind: "reversal",
      path: `/api/v1/till/redemptions/${stage.redemption}/reversal`,
      body: JSON.stringify({ reason: words.undoReason }),
      cents: stage.cents,
      serials: stage.serials,
      madeAtMs: this.now(),
      outcome: null,
    });
  }

  askAgain(key: string): void {
    void this.outbox.ask(key);
  }

  /** The next customer is served while the question goes on being asked; its answer comes as news. */
  putAside(): void {
    this.liveKey = null;
    this.set({ basket: [], saleCents: null });
    this.backToCounter();
  }

  /** The verdict was read. A refused voucher leaves the basket, the others stay in it. */
  async dismiss(): Promise<void> {
    await this.forgetShown();
    if (this.state.basket.length > 0 && this.state.stage.at === "verdict"
        && this.state.stage.verdict.tone === "refused" && this.state.stage.verdict.entry) {
      return this.go({ at: "basket" });
    }
    this.backToCounter();
  }

  showBasket(): void {
    if (this.state.basket.length > 0) this.go({ at: "basket" });
  }

  showTyped(): void {
    this.go({ at: "typed" });
  }

  showToday(): void {
    this.go({ at: "today" });
  }

  showWaiting(): void {
    const unresolved = this.state.waiting.find(({ entry }) => !entry.outcome);
    if (unresolved) this.go({ at: "asking", key: unresolved.entry.key });
  }

  backToCounter(note: string | null = null): void {
    this.sight.resume(this.now());
    this.set({ note: note === null ? null : { text: note, number: (this.state.note?.number ?? 0) + 1 } });
    this.go({ at: "counter" });
    this.showNews();
  }

  private async send(entry: Entry): Promise<void> {
    // The stage changes before the first await: a second tap finds no button any more.
    this.liveKey = entry.key;
    this.go({ at: "asking", key: entry.key });
    try {
      await this.outbox.write(entry);
    } catch {
      this.feedback.refused();
      return this.go({ at: "verdict", verdict: { tone: "broken" } });
    }
    await this.outbox.ask(entry.key);
    const still = this.state.stage;
    if (still.at === "asking" && still.key === entry.key) this.feedback.unsure();
  }

  private take(voucher: VoucherRef, looked: Looked): void {
    if (!looked.spendable) {
      const problem = looked.refusal ?? { reason: looked.state, title: "", status: 409, detail: "" };
      return this.refuse({ ...problem, serial: problem.serial ?? looked.serial }, null);
    }
    if (has(this.state.basket, looked.serial)) return this.backToCounter(words.alreadyInBasket);
    this.set({ basket: [...this.state.basket, { voucher, looked }] });
    this.go({ at: "basket" });
  }

  private refuse(problem: Problem, entry: Entry | null): void {
    if (this.guardRevoked(problem)) {
      if (entry) void this.outbox.seen(entry.key);
      return;
    }
    this.feedback.refused();
    this.go({ at: "verdict", verdict: { tone: "refused", problem, entry } });
  }

  private guardRevoked(problem: Problem): boolean {
    if (problem.reason !== "till_revoked") return false;
    this.set({ basket: [], saleCents: null });
    this.go({ at: "revoked" });
    return true;
  }

  /** Shows an answer that has come: the one waited for at once, another one only when nobody is being served. */
  private showNews(): void {
    const { stage } = this.state;
    const idle = stage.at === "counter" && this.state.basket.length === 0;
    const settled = this.outbox.entries.find(({ entry }) =>
      entry.outcome && (idle || (stage.at === "asking" && stage.key === entry.key)));
    if (settled) this.showOutcome(settled.entry);
  }

  private showOutcome(entry: Entry): void {
    const { outcome } = entry;
    if (!outcome) return;
    const live = entry.key === this.liveKey;
    if (live) this.liveKey = null;
    if (!outcome.accepted) {
      const { serial } = outcome.problem;
      if (live && entry.kind === "redemption") {
        this.set({ basket: this.state.basket.filter((line) => line.looked.serial !== serial) });
      }
      return this.refuse(outcome.problem, entry);
    }
    if (live && entry.kind === "redemption") this.set({ basket: [], saleCents: null });
    this.feedback.accepted();
    if (entry.kind === "redemption") {
      const receipt = outcome.receipt as Redeemed;
      this.go({ at: "verdict", verdict: { tone: "accepted", receipt, late: !live, entry } });
    } else {
      this.go({ at: "verdict", verdict: { tone: "undone", cents: entry.cents, entry } });
    }
    void this.refresh();
  }

  /** Takes off the phone the entry whose outcome is on the screen. */
  private async forgetShown(): Promise<void> {
    const { stage } = this.state;
    if (stage.at === "verdict" && "entry" in stage.verdict && stage.verdict.entry) {
      await this.outbox.seen(stage.verdict.entry.key);
    }
  }

  private go(stage: Stage): void {
    this.set(stage.at === "counter" ? { stage } : { stage, note: null });
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener(this.state);
  }
}
