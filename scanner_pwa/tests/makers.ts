// A programme with its key, its vouchers and its door, small enough to fail in every way a network does.
import "./french_phone.ts";
import { createHash, sign as nodeSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { Counter } from "../src/counter.ts";
import { Offline, type Acceptance } from "../src/offline.ts";
import { Outbox } from "../src/outbox.ts";
import { newKeyPair, type TillKey } from "../src/signing.ts";
import { notes, outboxShelf, pairing, queueShelf, type Till } from "../src/storage.ts";
import { TillClient } from "../src/till.ts";
import type { AcceptanceResult, Rules, SnapshotText, VoucherClass } from "../src/wire.ts";

export const SALT = Buffer.from("a salt of sixteen".slice(0, 16)).toString("base64url");
export const NOON = Date.parse("2026-11-21T11:00:00Z");
export const HOUR = 3_600_000;
export const HOST = "CHEQUES.EXAMPLE.FR";
const DAY_OF: VoucherClass = { cents: 1000, expires_on: "2027-06-30" };

/** 26 base32 characters, the last of which has its spare bits at zero. */
export function codeOf(number: number): string {
  return String(number).replace(/\d/g, (digit) => "ABCDEFGHIJ"[Number(digit)]!).padStart(25, "Z") + "A";
}

export function qrOf(number: number): string {
  return `HTTPS://${HOST}/#${codeOf(number)}`;
}

export function digestOf(code: string): Buffer {
  return createHash("sha256").update(Buffer.from(SALT, "base64url")).update(code, "ascii").digest();
}

/** Rows of a list, sorted as the server sorts them. */
export function rows(numbers: readonly number[], place: ((number: number) => number) | null = () => 0): string {
  const all = numbers.map((number) => Buffer.concat([
    digestOf(codeOf(number)).subarray(0, 8), Buffer.from(place ? [place(number)] : []),
  ]));
  return Buffer.concat(all.sort(Buffer.compare)).toString("base64url");
}

export function listOf(numbers: readonly number[], more: Partial<SnapshotText> = {}): SnapshotText {
  return {
    programme_id: 1, version: "v1", since: null, at: new Date(NOON).toISOString(), salt: SALT, classes: [DAY_OF], put: rows(numbers),
    drop: "", most_count: 20, most_cents: 30_000, max_age_minutes: 1440, ...more,
  };
}

export class ProgrammeKey {
  private readonly key: KeyObject;
  readonly shown: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x, y } = publicKey.export({ format: "jwk" });
    this.key = privateKey;
    this.shown = Buffer.concat([Buffer.from([4]), Buffer.from(x!, "base64url"), Buffer.from(y!, "base64url")]).toString("base64url");
  }

  signed(text: SnapshotText): { snapshot: string; signature: string } {
    const snapshot = JSON.stringify(text);
    const signature = nodeSign("sha256", Buffer.from(snapshot), { key: this.key, dsaEncoding: "ieee-p1363" });
    return { snapshot, signature: signature.toString("base64url") };
  }
}

export async function tillOf(tillId = 7, key?: TillKey): Promise<Till> {
  return {
    tillId, label: "Marché", merchant: { id: 1, shop_name: "Le Fournil" }, key: key ?? (await newKeyPair()).privateKey, clockOffsetMs: 0,
    programme: { id: 1, name: "Noël", host: HOST, whole_use: true, reversal_window_minutes: 15 },
  };
}

/**
 * The door of the server. `down` swallows a request before it is heard, `mute` loses the answer to one that was, and
 * with `slow` none ever comes.
 */
export class Door {
  readonly programme = new ProgrammeKey();
  readonly heard: { path: string; body: Record<string, unknown> }[] = [];
  readonly answered = new Map<string, AcceptanceResult>();
  down = false;
  slow = false;
  mute = false;
  list = listOf([1, 2, 3, 4, 5]);
  rules: Partial<Rules> = {};
  offline = true;
  wholeUse = true;
  /** The door holds back its answers of this path until then. */
  readonly held = new Map<string, Promise<void>>();
  refusals = new Map<string, { reason: string; status: number; serial?: number }>();
  /** What becomes of a voucher taken without network. */
  judge: (digest: string) => Partial<AcceptanceResult> = () => ({ outcome: "redeemed", redemption: 1 });

  async fetch(path: string, init: { body?: string; signal?: AbortSignal } = {}): Promise<Response> {
    if (this.slow) return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("given up"))));
    if (this.down) throw new TypeError("Failed to fetch");
    const body = JSON.parse(init.body ?? "{}") as Record<string, unknown>;
    this.heard.push({ path, body });
    const refusal = this.refusals.get(path);
    const answer = refusal ? Response.json({ ...refusal, title: "", detail: "" }, { status: refusal.status })
      : Response.json(this.answer(path, body));
    await this.held.get(path);
    if (this.mute) throw new TypeError("Failed to fetch");
    return answer;
  }

  /** Holds back the answers of a path; called, it lets them go. */
  hold(path: string): () => void {
    let release = (): void => undefined;
    this.held.set(path, new Promise((resolve) => { release = resolve; }));
    return release;
  }

  private answer(path: string, body: Record<string, unknown>): unknown {
    const offline = this.offline
      ? { most_count: 20, most_cents: 30_000, max_age_minutes: 1440, snapshot_key: this.programme.shown } : null;
    if (path.endsWith("/snapshot")) return this.programme.signed(this.list);
    if (path.endsWith("/acceptances")) return { results: (body["entries"] as Acceptance[]).map(({ entry }) => this.settle(entry)) };
    if (path.endsWith("/look-up")) {
      return { serial: 1, face_cents: 1000, balance_cents: 1000, state: "active", expires_on: "2027-06-30", spendable: true, refusal: null };
    }
    if (path.endsWith("/reversal")) return { reversal: 2, redemption: 1, cents: 1000 };
    if (path.endsWith("/redemptions")) {
      return { redemption: 1, at: new Date(NOON).toISOString(), cents: 1000, vouchers: [{ serial: 1, cents: 1000, balance_cents: 0 }], undo_until: "2026-11-21T12:00:00Z" };
    }
    return {
      till_id: 7, label: "Marché", merchant: { id: 1, shop_name: "Le Fournil" }, server_time: NOON, today: { count: 0, cents: 0 },
      programme: { id: 1, name: "Noël", host: HOST, whole_use: this.wholeUse, reversal_window_minutes: 15 }, offline, ...this.rules,
    };
  }

  /** The same entry gets its first answer, for ever. */
  private settle(entry: string): AcceptanceResult {
    const { key, digest } = JSON.parse(entry) as { key: string; digest: string };
    const before = this.answered.get(key);
    if (before) return before;
    const result = { key, outcome: "redeemed", ...this.judge(digest) } as AcceptanceResult;
    this.answered.set(key, result);
    return result;
  }
}

export const clock = { ms: NOON };

/** The app as opened on the phone: what it keeps is on the same (false) disk as that of the one before. */
export async function openApp(door: Door, early: (counter: Counter) => void = () => undefined): Promise<{ counter: Counter; offline: Offline; client: TillClient; sounds: string[] }> {
  globalThis.fetch = ((path: string, init: { body?: string }) => door.fetch(path, init)) as typeof fetch;
  const sounds: string[] = [];
  const client = new TillClient((await pairing.read()) ?? null, {
    language: "fr-FR", now: () => clock.ms, onReachable: (answered, slow) => counter.reachable(answered, slow), onBuild: () => undefined, onClock: () => undefined,
  });
  const later = (): (() => void) => () => undefined; // a test says itself when time has passed
  const outbox = new Outbox({ shelf: outboxShelf, send: (entry) => client.send(entry), now: () => clock.ms, later });
  const offline = new Offline({ client, shelf: queueShelf, notes, pairing, later, alone: (job) => job() });
  const feedback = Object.fromEntries(["tick", "accepted", "offline", "refused", "unsure"].map((name) => [name, () => sounds.push(name)]));
  const counter: Counter = new Counter(client, outbox, offline, feedback as never, () => clock.ms, () => undefined);
  early(counter);
  await counter.open();
  return { counter, offline, client, sounds };
}

export async function emptyPhone(): Promise<void> {
  clock.ms = NOON;
  await new Promise<void>((resolve, reject) => {
    const gone = indexedDB.deleteDatabase("till");
    gone.onsuccess = () => resolve();
    gone.onerror = () => reject(gone.error);
  });
}

/** Lets what was begun without being waited for come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A busy machine may be slow; what is so in the end counts. */
export async function until(so: () => unknown): Promise<void> {
  for (let turn = 0; turn < 200 && !so(); turn += 1) await settle();
}
