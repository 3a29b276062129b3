// What happens at the counter, from the read to the verdict, without any screen: which stage we are at, the basket,
// the day's total. Screens show its state and call its verbs.
import { BASKET_MAX, has, redemptionBody, taken, total, type Line, type Taken } from "./basket.ts";
import type { Offline } from "./offline.ts";
import { NoAnswer, newEntry, type Entry, type Outbox } from "./outbox.ts";
import { readQr } from "./qr_text.ts";
import { Sight } from "./sight.ts";
import type { Feedback, Plain, Stage } from "./stages.ts";
import { Stand } from "./stand.ts";
import type { Till } from "./storage.ts";
import type { TillClient } from "./till.ts";
import { Training } from "./training.ts";
import * as words from "./words.ts";
import type { Looked, Problem, Redeemed, VoucherRef } from "./wire.ts";

export type * from "./stages.ts";

/** A customer waits: with a list to judge by, the network gets no longer than this. */
const OFFLINE_AFTER_MS = 3000;
/** News that comes by itself is not wiped away by a paper that is on its way to the camera. */
const NEWS_MS = 1500;
const REDEMPTIONS = "/api/v1/till/redemptions";

export class Counter extends Stand {
  private readonly sight = new Sight();
  /** The redemption whose customer is still standing here; others are told as news. */
  private liveKey: string | null = null;
  private training = new Training();
  private newsAtMs: number | null = null;

  constructor(
    client: TillClient,
    outbox: Outbox,
    offline: Offline,
    private readonly feedback: Feedback,
    now: () => number,
    /** Takes the till over from another tab. */
    readonly takeOver: () => void,
  ) {
    super(client, outbox, offline, now);
  }

  /** A QR in front of the camera, at every frame that shows one; or what a hand scanner typed. */
  read(text: string): void {
    const { stage } = this.state;
    const open = stage.at === "counter" || stage.at === "basket" || (stage.at === "verdict" && stage.verdict.tone !== "broken");
    if (this.newsAtMs !== null && stage.at === "verdict" && Math.abs(this.now() - this.newsAtMs) < NEWS_MS) return;
    if (open && !this.opened && this.client.till) this.early = text;
    if (!open || !this.opened || !this.client.till || !this.sight.isNew(text, this.now())) return;
    const seen = readQr(text, this.client.till.programme.host);
    this.feedback.tick();
    if (seen.kind === "voucher" || (seen.kind === "training" && this.state.training)) return void this.next({ code: seen.code });
    this.feedback.unsure();
    // A menu on the counter does not wipe away an error that nobody has read.
    if (stage.at !== "verdict") this.go({ at: "verdict", verdict: { tone: "foreign", what: seen.kind } });
  }

  /** The next voucher dismisses the verdict on the one before. */
  private async next(voucher: VoucherRef): Promise<void> {
    const { stage } = this.state;
    await this.forgetShown().catch(() => undefined);
    // Tapped away in the same moment, it is dismissed all the same.
    if (this.state.stage === stage || this.state.stage.at === "counter") await this.lookUp(voucher);
  }

  async lookUp(voucher: VoucherRef): Promise<void> {
    try {
      await this.judge(voucher);
    } catch {
      if (this.state.stage.at === "looking") this.silent(voucher);
    }
  }

  private async judge(voucher: VoucherRef): Promise<void> {
    if (this.state.basket.length >= BASKET_MAX) return this.backToCounter(words.basketFull);
    if (this.state.training) {
      const looked = this.training.look(voucher, this.now());
      return looked ? this.take(voucher, looked, false) : this.refuse(made("training_real", words.trainingReal), null);
    }
    if ("code" in voucher && this.offline.waits(voucher.code)) {
      return this.refuse({ ...made("offline_queued", ""), say: words.sayOffline("offline_queued") }, null);
    }
    const looking: Stage = { at: "looking" };
    this.go(looking);
    const mayJudge = "code" in voucher && this.contact.mayWorkOffline();
    const untilMs = this.now() + OFFLINE_AFTER_MS;
    for (let turn = 0; turn < 2 && (this.state.reachable || (!mayJudge && turn === 0)); turn += 1) {
      try {
        const result = await this.client.lookUp(voucher, mayJudge ? untilMs - this.now() : undefined);
        if (this.state.stage !== looking) return;
        return result.ok ? this.take(voucher, result.body, false) : this.refuse(result.problem, null);
      } catch (reason) {
        if (!(reason instanceof NoAnswer)) throw reason;
      }
      if (this.state.stage !== looking) return;
    }
    if (!("code" in voucher) || !this.state.rules.offline) return this.silent(voucher);
    const before = this.state.basket.map((line) => line.looked.balance_cents);
    const judged = await this.offline.judge(voucher, before, this.outbox.maybeTaken());
    if (this.state.stage !== looking) return;
    if (judged.ok) this.take(voucher, judged.body, true);
    else this.refuse({ ...judged.problem, say: words.sayOffline(judged.problem.reason) }, null);
  }

  private silent(voucher: VoucherRef): void {
    this.feedback.unsure();
    this.go({ at: "verdict", verdict: { tone: "silent", voucher } });
  }

  setSale(saleCents: number | null): void {
    this.set({ saleCents });
  }

  takeOut(line: Line): void {
    const basket = this.state.basket.filter((one) => one !== line);
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
    if (this.mustSignOn()) return this.go({ at: "cashier" });
    const { basket, saleCents, cashier, training, reachable } = this.state;
    const lines = taken(basket, saleCents, till.programme.whole_use);
    const entry = newEntry("redemption", till.tillId, this.now(), {
      path: REDEMPTIONS,
      body: redemptionBody(lines, saleCents, cashier?.id ?? null),
      cents: total(lines),
      serials: lines.flatMap(({ line }) => line.looked.serial ?? []),
    });
    if (training) {
      this.liveKey = entry.key;
      return this.showOutcome({ ...entry, outcome: { accepted: true, receipt: this.training.redeem(lines, this.now()) } });
    }
    const listed = lines.every(({ line }) => "code" in line.voucher);
    if (!reachable && listed && this.contact.mayWorkOffline()) return this.takeOffline(till, lines);
    await this.send(entry);
  }

  askUndo(redemption: number, cents: number, serials: number[]): void {
    void this.forgetShown();
    this.go({ at: "undo", redemption, cents, serials, problem: null });
  }

  /** `pin` is the owner's, where the shop asks for it. */
  async undo(pin: string | null = null): Promise<void> {
    const till = this.client.till;
    const stage = this.state.stage;
    if (!till || stage.at !== "undo") return;
    const entry = newEntry("reversal", till.tillId, this.now(), {
      path: `${REDEMPTIONS}/${stage.redemption}/reversal`,
      body: JSON.stringify({ reason: words.undoReason, ...(pin === null ? {} : { pin }) }),
      cents: stage.cents,
      serials: stage.serials,
    });
    if (stage.redemption > 0) return this.send(entry);
    this.training.undo(stage.redemption);
    this.showOutcome({ ...entry, outcome: { accepted: true, receipt: {} } });
  }

  /** False vouchers, played on the phone alone. */
  train(training: boolean): void {
    this.training = new Training();
    this.set({ training, basket: [], saleCents: null });
    this.backToCounter();
  }

  askAgain(key: string): void {
    void this.outbox.ask(key);
  }

  sendNow(): void {
    this.outbox.askAll();
    void this.offline.flush();
  }

  /** The next customer is served while the question goes on being asked; its answer comes as news. */
  putAside(): void {
    const { stage } = this.state;
    if (stage.at === "asking" && stage.key === this.liveKey) this.set({ basket: [], saleCents: null });
    this.liveKey = null;
    this.backToCounter();
  }

  /** The verdict was read. A refused voucher leaves the basket, the others stay in it. */
  async dismiss(): Promise<void> {
    const { stage, basket } = this.state;
    // An entry that could not be taken off is only shown again.
    await this.forgetShown().catch(() => undefined);
    if (this.state.stage !== stage) return;
    if (basket.length > 0 && stage.at === "verdict" && stage.verdict.tone === "refused" && (stage.verdict.entry ?? stage.verdict.culprit)) {
      return this.go({ at: "basket" });
    }
    this.backToCounter();
  }

  show(at: Plain): void {
    this.go({ at });
  }

  showBasket(): void {
    if (this.state.basket.length > 0) this.go({ at: "basket" });
  }

  showAsked(key: string): void {
    this.go({ at: "asking", key });
  }

  override backToCounter(note: string | null = null): void {
    this.sight.resume(this.now());
    this.set({ note: note === null ? null : { text: note, number: (this.state.note?.number ?? 0) + 1 } });
    this.go({ at: this.mustSignOn() ? "cashier" : "counter" });
    this.showNews();
  }

  private async takeOffline(till: Till, lines: readonly Taken[]): Promise<void> {
    const { saleCents, cashier, basket } = this.state;
    // The stage changes before the first await: a second tap finds no button any more.
    this.go({ at: "asking", key: "" });
    const refused = await this.offline.take(till, lines, cashier?.id ?? null, this.outbox.maybeTaken())
      .catch(() => "broken" as const);
    if (refused === "broken") return this.broken();
    if (refused) {
      const { problem, line } = refused;
      const said = { ...problem, ...(line.looked.serial !== null && { serial: line.looked.serial }), say: words.sayOffline(problem.reason) };
      // A list that has grown too old speaks against none of them.
      if (problem.reason === "offline_stale") return this.refuse(said, null);
      const others = basket.filter((one) => one !== line);
      this.set(others.length > 0 ? { basket: others } : { basket: others, saleCents: null });
      const culprit = words.place(basket.indexOf(line) + 1, words.amount(line.looked.balance_cents));
      return this.refuse(said, null, others.length > 0 ? culprit : null);
    }
    this.set({ basket: [], saleCents: null });
    this.feedback.offline();
    this.go({
      at: "verdict", verdict: { tone: "offline", cents: total(lines), count: lines.length, saleCents, atMs: this.client.serverNow() },
    });
  }

  private async send(entry: Entry): Promise<void> {
    // The stage changes before the first await: a second tap finds no button any more.
    this.liveKey = entry.key;
    this.go({ at: "asking", key: entry.key });
    try {
      await this.outbox.write(entry);
    } catch {
      // The write may have come through all the same: what the cashier is told must be true of the next opening too.
      await this.outbox.seen(entry.key).catch(() => undefined);
      return this.broken();
    }
    await this.outbox.ask(entry.key);
    const still = this.state.stage;
    if (still.at === "asking" && still.key === entry.key) this.feedback.unsure();
  }

  private broken(): void {
    this.feedback.refused();
    this.go({ at: "verdict", verdict: { tone: "broken" } });
  }

  private take(voucher: VoucherRef, looked: Looked, offline: boolean): void {
    if (!looked.spendable) {
      const problem = looked.refusal ?? made(looked.state, "");
      return this.refuse(looked.serial === null ? problem : { serial: looked.serial, ...problem }, null);
    }
    const named = JSON.stringify(voucher).slice(1, -1);
    const asked = this.outbox.entries.find(({ entry: { kind, outcome, body } }) =>
      kind === "redemption" && outcome?.accepted !== false && body.includes(named));
    // A second question about the same paper would take the money twice, where part of a voucher may be taken.
    if (asked) return asked.entry.outcome ? this.showOutcome(asked.entry) : this.showAsked(asked.entry.key);
    const line: Line = { voucher, looked, offline };
    if (has(this.state.basket, line)) return this.backToCounter(words.alreadyInBasket);
    this.set({ basket: [...this.state.basket, line] });
    this.go({ at: "basket" });
  }

  private refuse(problem: Problem, entry: Entry | null, culprit: string | null = null): void {
    if (this.guardRevoked(problem)) {
      if (entry) void this.outbox.seen(entry.key);
      return;
    }
    this.feedback.refused();
    this.go({ at: "verdict", verdict: { tone: "refused", problem, entry, culprit } });
  }

  /** Shows an answer that has come: the one waited for at once, another one only when nobody is being served. */
  protected override showNews(): void {
    const { stage } = this.state;
    const idle = stage.at === "counter" && this.state.basket.length === 0;
    const settled = this.outbox.entries.find(({ entry }) =>
      entry.outcome && (idle || (stage.at === "asking" && stage.key === entry.key)));
    const news = !settled && idle && this.offline.news();
    this.newsAtMs = idle && (settled || news) ? this.now() : this.newsAtMs;
    if (settled) return this.showOutcome(settled.entry);
    if (!news) return;
    this.feedback.refused();
    this.go({ at: "verdict", verdict: { tone: "dispute", ...news } });
  }

  private showOutcome(entry: Entry): void {
    const { outcome } = entry;
    if (!outcome) return;
    const live = entry.key === this.liveKey;
    if (live) this.liveKey = null;
    if (!outcome.accepted) {
      const { serial } = outcome.problem;
      if (live && entry.kind === "redemption") {
        // A line judged without network has no serial to be named by: it is read again.
        const basket = this.state.basket.filter(({ looked }) => looked.serial !== null && looked.serial !== serial);
        this.set(basket.length === 0 ? { basket, saleCents: null } : { basket });
      }
      if (live && entry.kind === "reversal" && outcome.problem.reason === "pin_wrong") return this.askPinAgain(entry, outcome.problem);
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
    if (!this.outbox.entries.some((one) => one.entry.key === entry.key)) return; // of the training
    void this.keepListTrue(entry);
    void this.refresh();
  }

  /** The redemption stands; the same question with other digits is another question, with its own key. */
  private askPinAgain(entry: Entry, problem: Problem): void {
    this.feedback.refused();
    const redemption = Number(/\/(\d+)\//.exec(entry.path)?.[1]);
    this.go({ at: "undo", redemption, cents: entry.cents, serials: entry.serials, problem });
    void this.outbox.seen(entry.key);
    void this.refresh(); // the rule may be younger than what this till knows
  }

  /** What this phone has just taken or given back, the list held does not know yet. */
  private async keepListTrue(entry: Entry): Promise<void> {
    const { vouchers = [] } = JSON.parse(entry.body) as { vouchers?: { code?: string }[] };
    const codes = vouchers.map(({ code }) => code ?? "");
    await this.offline.took(codes).catch(() => undefined);
    // Given back, or typed: only the server can say which place in the list that was.
    if (entry.kind === "reversal" || codes.includes("")) await this.contact.renew();
  }

  /** Takes off the phone the entry whose outcome is on the screen. */
  private async forgetShown(): Promise<void> {
    const { stage } = this.state;
    if (stage.at !== "verdict") return;
    if ("entry" in stage.verdict && stage.verdict.entry) await this.outbox.seen(stage.verdict.entry.key);
    if (stage.verdict.tone === "dispute") await this.offline.seen(stage.verdict.acceptance.key);
  }

}

/** A refusal of the phone itself. */
function made(reason: string, detail: string): Problem {
  return { reason, title: "", status: 409, detail };
}
