// Vouchers taken while the network is away. Each is judged by the signed list, written down on the phone (chained,
// signed, never edited) BEFORE the cashier sees amber, and sent until the server has said what became of it. The server
// decides: a voucher that somebody else took first goes to the disputes, and the shop hears of it.
import type { Line, Taken } from "./basket.ts";
import { parisDay } from "./days.ts";
import { NoAnswer, PAUSES_S } from "./outbox.ts";
import { newIdempotencyKey, sha256Hex, sign, utf8 } from "./signing.ts";
import { applied, digestOf, find, isYoung, opened, type Held } from "./snapshot.ts";
import type { Till } from "./storage.ts";
import type { Result, TillClient } from "./till.ts";
import type { AcceptanceResult, Looked, Problem, Rules, VoucherRef } from "./wire.ts";

/** One voucher, as written down. */
export interface Acceptance {
  tillId: number;
  /** Running, per till; with the hash of the entry before, gaps and copies show. */
  number: number;
  key: string;
  digest: string;
  code: string;
  cents: number;
  takenAtMs: number;
  /** The signed text, sent to the byte. */
  entry: string;
  signature: string;
}

/** The server's answer, kept beside the entry. */
export interface Kept { key: string; atMs: number; seen: boolean; result: AcceptanceResult }

export interface Chain { number: number; previous: string }

export interface Queue {
  entries: readonly Acceptance[];
  results: ReadonlyMap<string, Kept>;
  /** What the server has not answered yet: how many, how much, since when. */
  count: number;
  cents: number;
  sinceMs: number | null;
}

export interface QueueShelf {
  all(): Promise<{ entries: Acceptance[]; results: Kept[]; taken: (readonly [digest: string, atMs: number])[] }>;
  chain(tillId: number): Promise<Chain>;
  /** All entries and the new end of the chain in one durable transaction. Rejects when the chain's end is not `before`. */
  append(before: Chain, after: Chain, entries: Acceptance[]): Promise<void>;
  keepResults(results: Kept[]): Promise<void>;
  take(digests: string[], atMs: number): Promise<void>;
  remove(entries: Acceptance[], digests: string[]): Promise<void>;
}

interface Parts {
  client: Pick<TillClient, "till" | "serverNow" | "snapshot" | "accept">;
  shelf: QueueShelf;
  notes: { read<T>(name: string): Promise<T | undefined>; keep(name: string, value: unknown): Promise<unknown> };
  pairing: { former(tillId: number): Promise<Till | undefined>; forgetFormer(tillId: number): Promise<void> };
  later: (job: () => void, ms: number) => () => void;
  /** Runs the job unless another tab is at it. */
  alone: (job: () => Promise<void>) => Promise<void>;
}

/** Stands for vouchers taken by their printed number: which place in the list they have, only a newer one says. */
const TYPED = "typed";
export const NOTHING: Queue = { entries: [], results: new Map(), count: 0, cents: 0, sinceMs: null };
const AT_ONCE = 50;

export class Offline {
  held: Held | null = null;
  queue: Queue = NOTHING;
  private taken = new Map<string, number>();
  /** Codes taken while the first list was under way: without its salt they have no digest. */
  private early: string[] = [];
  private failures = 0;
  private callOff = (): void => undefined;
  private flushing: Promise<void> | null = null;
  private wholeNext = false;
  private listener: (settled: boolean) => void = () => undefined;

  constructor(private readonly parts: Parts) {}

  /** `settled` is true when the server has just answered something. */
  onChange(listener: (settled: boolean) => void): void {
    this.listener = listener;
  }

  async open(): Promise<void> {
    const till = this.parts.client.till;
    const held = await this.parts.notes.read<Held | null>("list");
    this.held = held?.programmeId === till?.programme.id ? held ?? null : null;
    const { entries, results, taken } = await this.parts.shelf.all();
    this.taken = new Map([...entries.map(({ digest, takenAtMs }) => [digest, takenAtMs] as const), ...taken]);
    this.show(entries, new Map(results.map((kept) => [kept.key, kept])));
    await this.tidy();
    void this.flush();
  }

  /** The list is here, and young enough to judge by. */
  ready(): boolean {
    return this.held !== null && isYoung(this.held, this.parts.client.serverNow());
  }

  /**
   * What the list says of a voucher, in the shape of the server's own answer; `before` are the cents of those beside it
   * in the basket. `sent` are the bodies of redemptions that the server may have taken.
   */
  async judge(voucher: VoucherRef, before: readonly number[], sent: readonly string[]): Promise<Result<Looked>> {
    const { held } = this;
    const now = this.parts.client.serverNow();
    if (!held || !this.ready() || !("code" in voucher)) return no("offline_stale");
    const digest = await digestOf(held, voucher.code);
    if (this.taken.has(digest)) return no("offline_queued");
    // A typed voucher has no code here: it could be this very paper.
    if (this.taken.has(TYPED) || sent.some((body) => body.includes(voucher.code) || body.includes('"control_code"'))) return no("offline_unsure");
    const known = find(held, digest);
    if (!known) return no("offline_unknown");
    const { cents, expires_on } = known;
    if (expires_on < parisDay(now)) return no("voucher_expired", { expires_on });
    const spent = [...this.sinceList(held), ...before];
    if (spent.length >= held.mostCount || sum(spent) + cents > held.mostCents) return no("offline_cap");
    return {
      ok: true,
      body: { serial: null, face_cents: cents, balance_cents: cents, state: "active", expires_on, spendable: true, refusal: null },
    };
  }

  /**
   * Writes the vouchers down; from here they are never dropped. Or says which one is not taken, and then none is. Throws
   * when the phone cannot keep them.
   */
  async take(
    till: Till, lines: readonly Taken[], cashier: number | null, sent: readonly string[],
  ): Promise<{ problem: Problem; line: Line } | null> {
    const { held } = this;
    const now = this.parts.client.serverNow();
    const before = await this.parts.shelf.chain(till.tillId);
    const entries: Acceptance[] = [];
    let { number, previous } = before;
    for (const { line, cents } of lines) {
      const judged = await this.judge(line.voucher, entries.map((entry) => entry.cents), sent);
      if (!judged.ok) return { problem: judged.problem, line };
      const { code } = line.voucher as { code: string };
      const key = newIdempotencyKey();
      const digest = await digestOf(held!, code);
      const entry = JSON.stringify({
        till: till.tillId, number: ++number, previous, key, digest, cents, cashier, snapshot: held!.version,
        scanned_at: new Date(now).toISOString(),
      });
      const signature = await sign(till.key, entry);
      entries.push({ tillId: till.tillId, number, key, digest, code, cents, takenAtMs: now, entry, signature });
      previous = await sha256Hex(utf8(entry));
    }
    await this.parts.shelf.append(before, { number, previous }, entries);
    for (const { digest } of entries) this.taken.set(digest, now);
    this.show([...this.queue.entries, ...entries]);
    void this.flush();
    return null;
  }

  /** Vouchers that the server took for this till, "" for a typed one: the list held still says that they are good. */
  async took(codes: readonly string[]): Promise<void> {
    const { held } = this;
    if (!held) return void this.early.push(...codes);
    const digests = await Promise.all(codes.map((code) => (code ? digestOf(held, code) : TYPED)));
    for (const digest of digests) this.taken.set(digest, this.stamp());
    await this.parts.shelf.take(digests, this.stamp());
  }

  /** Fetches what has changed, or all of it. What does not verify changes nothing. */
  async renew({ offline }: Rules): Promise<void> {
    const { client, notes } = this.parts;
    if (!client.till) return;
    const askedMs = this.stamp();
    const signed = offline ? await client.snapshot(this.wholeNext ? null : this.held?.version ?? null) : null;
    if (signed?.ok) {
      const text = await opened(signed.body, offline!.snapshot_key);
      const next = text && applied(this.held, text, client.till.programme.id);
      this.wholeNext = !next;
      if (!next) return;
      this.held = { ...next, askedMs };
      await this.took(this.early.splice(0));
    } else {
      if (signed && signed.problem.reason !== "offline_not_allowed" || !this.held) return;
      this.held = null;
    }
    await notes.keep("list", this.held);
    await this.tidy();
  }

  /** Sends what waits, in order, until nothing does or the network fails. */
  flush(): Promise<void> {
    this.flushing ??= this.parts.alone(() => this.sendAll()).finally(() => { this.flushing = null; });
    return this.flushing;
  }

  /** The cashier saw what became of a voucher. What nobody took stays listed: it is all the shop has. */
  async seen(key: string): Promise<void> {
    const kept = this.queue.results.get(key);
    if (!kept) return;
    await this.keep([{ ...kept, seen: true }]);
    await this.tidy();
  }

  /** Another tab is the till now, and sends. */
  close(): void {
    this.callOff();
    this.show([], new Map());
  }

  /** Taken on this phone, and the server has not said what became of it. */
  waits(code: string): boolean {
    return this.queue.entries.some((entry) => entry.code === code && !this.queue.results.has(entry.key));
  }

  /** What became of a voucher and has not been shown. */
  news(): { acceptance: Acceptance; result: AcceptanceResult } | null {
    for (const acceptance of this.queue.entries) {
      const kept = this.queue.results.get(acceptance.key);
      if (kept && !kept.seen) return { acceptance, result: kept.result };
    }
    return null;
  }

  private async sendAll(): Promise<void> {
    this.callOff();
    /** Tills that cannot send now: the key is gone, or the door refuses them. They do not hold up the others. */
    const stuck = new Set<number>();
    for (;;) {
      const { till } = this.parts.client;
      const waits = this.queue.entries.filter(({ key, tillId }) => !this.queue.results.has(key) && !stuck.has(tillId));
      const tillId = waits[0]?.tillId;
      if (tillId === undefined) return;
      try {
        const signer = tillId === till?.tillId ? till : await this.parts.pairing.former(tillId);
        const some = waits.filter((entry) => entry.tillId === tillId).slice(0, AT_ONCE);
        const answer = signer && await this.parts.client.accept(signer, some);
        const results = answer?.ok ? answer.body.results.filter(({ key }) => some.some((entry) => entry.key === key)) : [];
        if (results.length === 0) {
          stuck.add(tillId);
          this.flushLater(null);
          continue;
        }
        const atMs = this.stamp();
        await this.keep(results.map((result) => ({ key: result.key, atMs, seen: result.outcome === "redeemed", result })));
        this.failures = 0;
        this.listener(true);
      } catch (reason) {
        return this.flushLater(reason instanceof NoAnswer ? reason.retryAfterMs : null);
      }
    }
  }

  private flushLater(askedMs: number | null): void {
    this.callOff();
    const pause = PAUSES_S[Math.min(this.failures++, PAUSES_S.length - 1)]! * 1000;
    this.callOff = this.parts.later(() => void this.flush(), askedMs ?? pause);
  }

  private async keep(results: Kept[]): Promise<void> {
    await this.parts.shelf.keepResults(results);
    this.show(this.queue.entries, new Map([...this.queue.results, ...results.map((kept) => [kept.key, kept] as const)]));
  }

  /** Takes off the phone what the list now knows and the shop has seen. */
  private async tidy(): Promise<void> {
    const listed = (atMs: number): boolean => atMs < (this.held ? asked(this.held) : Infinity);
    const done = this.queue.entries.filter(({ key }) => {
      const kept = this.queue.results.get(key);
      return kept?.seen && kept.result.outcome !== "invalid" && listed(kept.atMs);
    });
    const staying = (): Acceptance[] => this.queue.entries.filter((entry) => !done.includes(entry));
    const still = new Set(staying().map(({ digest }) => digest));
    const gone = [...this.taken].filter(([digest, atMs]) => listed(atMs) && !still.has(digest)).map(([digest]) => digest);
    if (done.length + gone.length === 0) return;
    await this.parts.shelf.remove(done, gone);
    for (const digest of gone) this.taken.delete(digest);
    const results = new Map(this.queue.results);
    for (const { key } of done) results.delete(key);
    const rest = staying(); // another may have come meanwhile
    this.show(rest, results);
    for (const tillId of new Set(done.map((entry) => entry.tillId))) {
      if (!rest.some((entry) => entry.tillId === tillId)) await this.parts.pairing.forgetFormer(tillId);
    }
  }

  /** Cents of each voucher that the server did not know of when it made the list. */
  private sinceList(held: Held): number[] {
    return this.queue.entries
      .filter(({ key }) => (this.queue.results.get(key)?.atMs ?? Infinity) >= asked(held))
      .map(({ cents }) => cents);
  }

  /** Now, and after the list that is held, whatever the phone's clock says. */
  private stamp(): number {
    return Math.max(this.parts.client.serverNow(), (this.held ? asked(this.held) : 0) + 1);
  }

  private show(entries: readonly Acceptance[], results = this.queue.results): void {
    const waits = entries.filter(({ key }) => !results.has(key));
    this.queue = {
      entries, results, count: waits.length, cents: sum(waits.map(({ cents }) => cents)),
      sinceMs: waits[0]?.takenAtMs ?? null,
    };
    this.listener(false);
  }
}

const asked = ({ askedMs, atMs }: Held): number => askedMs ?? atMs;

function no(reason: string, more: Partial<Problem> = {}): { ok: false; problem: Problem } {
  return { ok: false, problem: { reason, title: "", status: 409, detail: "", ...more } };
}

function sum(cents: readonly number[]): number {
  return cents.reduce((all, one) => all + one, 0);
}
