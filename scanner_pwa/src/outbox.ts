// Requests that move money. Each is written down with its key and its exact body BEFORE it is sent, and stays until
// the server gave a definite answer and the cashier saw it. No answer is never "no": it is "unknown, ask again with
// the same key". An entry is never given a second key, so asking again can never take the money twice.
import { newIdempotencyKey } from "./signing.ts";
import type { Problem } from "./wire.ts";

export interface Entry {
  /** The idempotency key, made on this phone. */
  key: string;
  /** Only the till that made an entry may send it: keys are remembered by the server per till. */
  tillId: number;
  kind: "redemption" | "reversal";
  path: string;
  body: string;
  cents: number;
  serials: number[];
  madeAtMs: number;
  outcome: Outcome | null;
}

export type Outcome = { accepted: true; receipt: unknown } | { accepted: false; problem: Problem };

/** What the server said, once. Thrown `NoAnswer` is everything else. */
export type Answer = { ok: true; receipt: unknown } | { ok: false; problem: Problem };

type Asked = Pick<Entry, "path" | "body" | "cents" | "serials">;

export function newEntry(kind: Entry["kind"], tillId: number, madeAtMs: number, asked: Asked): Entry {
  return { key: newIdempotencyKey(), tillId, kind, ...asked, madeAtMs, outcome: null };
}

/** Network error, time-out, 5xx, or something that is not our server speaking: nothing is known. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
  constructor(readonly retryAfterMs: number | null = null) {
    super("no definite answer");
  }
}

export interface OutboxShelf {
  all(): Promise<Entry[]>;
  put(entry: Entry): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface Waiting {
  entry: Entry;
  /** True while a request is on its way. */
  asking: boolean;
  failures: number;
  nextAtMs: number | null;
}

interface Parts {
  shelf: OutboxShelf;
  send: (entry: Entry) => Promise<Answer>;
  now: () => number;
  /** Runs the job later and returns how to call it off. */
  later: (job: () => void, ms: number) => () => void;
}

/** Seconds between two questions: quick at first, the customer is waiting; then patient. */
export const PAUSES_S = [1, 2, 3, 5, 8, 15, 30, 60];

/**
 * Answers of the guard at the door, given before the key is looked up: they say nothing about an earlier try. A wrong
 * PIN is no such answer: it comes after the key was looked up.
 */
const GUARD_STATUS = new Set([401, 403, 429]);

/**
 * The owner's digits stay beside a reversal only while it may be asked again: one key always sends one body, and the
 * server takes other bytes under a key it knows for a mistake.
 */
const withoutPin = (entry: Entry): Entry => ({ ...entry, body: entry.body.replace(/,"pin":"\d*"/, "") });

export class Outbox {
  private waiting: Waiting[] = [];
  /** Written in this session and not sent without an answer yet; one found at start-up may have been sent. */
  private readonly neverSent = new Set<string>();
  private readonly callOff = new Map<string, () => void>();
  private readonly listeners = new Set<(waiting: readonly Waiting[]) => void>();

  constructor(private readonly parts: Parts) {}

  onChange(listener: (waiting: readonly Waiting[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Entries in the order they were made, answered ones included until `seen`. */
  get entries(): readonly Waiting[] {
    return this.waiting;
  }

  /** Takes up what an earlier session left behind; unresolved entries are asked about at once. */
  async open(tillId: number): Promise<void> {
    const all = await this.parts.shelf.all();
    // Written while the phone was being read: it is already on its way.
    const here = this.waiting.filter(({ entry }) => entry.tillId === tillId);
    const kept = all.filter((entry) => entry.tillId === tillId && !here.some((one) => one.entry.key === entry.key));
    kept.sort((a, b) => a.madeAtMs - b.madeAtMs);
    this.waiting = [...kept.map((entry) => ({ entry, asking: false, failures: 0, nextAtMs: null })), ...here];
    this.changed();
    for (const entry of all) {
      // It is never sent again.
      if (entry.tillId !== tillId && withoutPin(entry).body !== entry.body) {
        await this.parts.shelf.put(withoutPin(entry)).catch(() => undefined);
      }
    }
    for (const { entry } of this.waiting) if (!entry.outcome) void this.ask(entry.key);
  }

  /** Entries of a till this phone no longer is: they cannot be asked about any more, only read out to the issuer. */
  async left(tillId: number | null): Promise<Entry[]> {
    return (await this.parts.shelf.all()).filter((entry) => entry.tillId !== tillId && !entry.outcome);
  }

  /** Resolves once the entry is on the device. Rejects when it could not be written: then nothing must be sent. */
  async write(entry: Entry): Promise<void> {
    await this.parts.shelf.put(entry);
    this.neverSent.add(entry.key);
    this.waiting = [...this.waiting, { entry, asking: false, failures: 0, nextAtMs: null }];
    this.changed();
  }

  /** Asks the server once, with the key and body as written. A second call while one is under way does nothing. */
  async ask(key: string): Promise<void> {
    const waiting = this.find(key);
    if (!waiting || waiting.asking || waiting.entry.outcome) return;
    this.callOff.get(key)?.();
    this.callOff.delete(key);
    this.update(key, { asking: true, nextAtMs: null });
    try {
      const answer = await this.parts.send(waiting.entry);
      if (!answer.ok && GUARD_STATUS.has(answer.problem.status) && answer.problem.reason !== "pin_wrong"
          && !this.neverSent.has(key)) throw new NoAnswer();
      await this.settle(waiting.entry, answer);
    } catch (reason) {
      this.neverSent.delete(key);
      this.askLater(key, waiting.failures, reason instanceof NoAnswer ? reason.retryAfterMs : null);
    }
  }

  /** Bodies of redemptions that the server may have taken: it did not answer yet, or nobody has seen that it did. */
  maybeTaken(): string[] {
    return this.waiting.map(({ entry }) => entry)
      .filter(({ kind, outcome }) => kind === "redemption" && outcome?.accepted !== false)
      .map(({ body }) => body);
  }

  /** Another tab is the till now, and asks. */
  close(): void {
    for (const stop of this.callOff.values()) stop();
    this.callOff.clear();
    this.waiting = [];
    this.changed();
  }

  /** The network seems back, or the app was opened again: ask now about everything unresolved. */
  askAll(): void {
    for (const { entry } of this.waiting) if (!entry.outcome) void this.ask(entry.key);
  }

  /** The cashier saw the outcome. Only now is the entry taken off the phone. */
  async seen(key: string): Promise<void> {
    this.waiting = this.waiting.filter(({ entry }) => entry.key !== key);
    this.changed();
    await this.parts.shelf.remove(key);
  }

  private async settle(entry: Entry, answer: Answer): Promise<void> {
    const outcome: Outcome = answer.ok
      ? { accepted: true, receipt: answer.receipt }
      : { accepted: false, problem: answer.problem };
    const settled = { ...withoutPin(entry), outcome };
    // A write that fails here costs one more question later, with the same key and so the same answer.
    await this.parts.shelf.put(settled).catch(() => undefined);
    this.neverSent.delete(entry.key);
    this.update(entry.key, { entry: settled, asking: false, nextAtMs: null });
  }

  private askLater(key: string, failures: number, retryAfterMs: number | null): void {
    const pause = retryAfterMs ?? PAUSES_S[Math.min(failures, PAUSES_S.length - 1)]! * 1000;
    this.callOff.set(key, this.parts.later(() => void this.ask(key), pause));
    this.update(key, { asking: false, failures: failures + 1, nextAtMs: this.parts.now() + pause });
  }

  private find(key: string): Waiting | undefined {
    return this.waiting.find(({ entry }) => entry.key === key);
  }

  private update(key: string, change: Partial<Waiting>): void {
    this.waiting = this.waiting.map((one) => (one.entry.key === key ? { ...one, ...change } : one));
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener(this.waiting);
  }
}
