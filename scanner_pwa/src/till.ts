// The API as this till speaks it: every request signed, the clock corrected when the server says it is off.
import type { Acceptance } from "./offline.ts";
import { NoAnswer, type Answer, type Entry } from "./outbox.ts";
import * as signing from "./signing.ts";
import type { Candidate, Till } from "./storage.ts";
import type {
  About, AcceptanceResult, Account, Day, Disputes, Looked, Paired, Problem, SignedSnapshot, VoucherRef,
} from "./wire.ts";

const API = "/api/v1";
const TILL = `${API}/till`;
/** A customer waits: after this the answer is "unknown" and the same question is asked again. */
const PATIENCE_MS = 6000;
/** For what no customer waits for: 50 vouchers to confirm; a list of 20 000 over one bar of signal. */
const QUIET_MS = 10_000;
const LONG_MS = 30_000;

export type Result<T> = { ok: true; body: T } | { ok: false; problem: Problem };

type Method = "GET" | "POST";
interface Ask { body?: string; key?: string; patienceMs?: number }

interface Parts {
  language: string;
  now: () => number;
  /** `slow`: the server let a customer wait. */
  onReachable: (reachable: boolean, slow: boolean) => void;
  onBuild: (build: string) => void;
  onClock: (till: Till) => void;
}

export class TillClient {
  constructor(public till: Till | null, private readonly parts: Parts) {}

  /** The phone's clock as the server sees it. */
  serverNow(): number {
    return this.parts.now() + (this.till?.clockOffsetMs ?? 0);
  }

  /** Makes this phone a till. The key must already be proven to survive in storage. */
  async pair(pairingCode: string, label: string, keys: Candidate): Promise<Result<Paired>> {
    const secret = keys instanceof Uint8Array ? keys : null;
    const shown = secret ? signing.base64url(await signing.sha256(secret))
      : await signing.publicKeyText((keys as CryptoKeyPair).publicKey);
    const key = secret ?? (keys as CryptoKeyPair).privateKey;
    const signature = await signing.sign(key, signing.pairingLines(pairingCode, shown, label));
    const offered = secret ? { public_key: "", secret: signing.base64url(secret) } : { public_key: shown };
    const body = JSON.stringify({ pairing_code: pairingCode, ...offered, label, signature });
    return this.exchange<Paired>("POST", `${API}/tills/pair`, {}, body, PATIENCE_MS);
  }

  about(): Promise<Result<About>> {
    return this.signed("GET", TILL);
  }

  async lookUp(voucher: VoucherRef, patienceMs = PATIENCE_MS): Promise<Result<Looked>> {
    const result = await this.signed<Looked>("POST", `${TILL}/look-up`, { body: JSON.stringify({ voucher }), patienceMs });
    if (result.ok && typeof result.body?.spendable !== "boolean") throw new NoAnswer(); // not our server speaking
    return result;
  }

  day(day: string): Promise<Result<Day>> {
    return this.signed("GET", `${TILL}/redemptions?day=${day}`);
  }

  /** The shop's redemptions of one voucher. */
  redemptionsOf(serial: number): Promise<Result<Day>> {
    return this.signed("GET", `${TILL}/redemptions?serial=${serial}`);
  }

  account(): Promise<Result<Account>> {
    return this.signed("GET", `${TILL}/account`);
  }

  disputes(): Promise<Result<Disputes>> {
    return this.signed("GET", `${TILL}/disputes`);
  }

  /** False vouchers to learn with, as a PDF. */
  async trainingSheet(): Promise<Blob> {
    const result = await this.signed<Blob>("GET", `${TILL}/training-sheet`, { patienceMs: LONG_MS });
    if (!result.ok) throw new NoAnswer();
    return result.body;
  }

  /** What has changed since the list of that version, or with null all of it. */
  snapshot(since: string | null): Promise<Result<SignedSnapshot>> {
    return this.signed("POST", `${TILL}/snapshot`, { body: JSON.stringify({ since }), patienceMs: LONG_MS });
  }

  /** Sends what a till (this one, or one that this phone was) took without network. */
  accept(till: Till, some: readonly Acceptance[]): Promise<Result<{ results: AcceptanceResult[] }>> {
    const entries = some.map(({ entry, signature, code }) => ({ entry, signature, code }));
    return this.signed("POST", `${TILL}/acceptances`, { body: JSON.stringify({ entries }), patienceMs: QUIET_MS }, till);
  }

  /** Sends one entry of the outbox exactly as written. */
  async send(entry: Entry): Promise<Answer> {
    // Under another till's name the same key would be another question.
    if (entry.tillId !== this.till?.tillId) throw new NoAnswer();
    const result = await this.signed<Record<string, unknown>>("POST", entry.path, { body: entry.body, key: entry.key });
    if (!result.ok) return result;
    // A receipt without its number is not our server's: better to ask again than to show a green page.
    if (typeof result.body[entry.kind] !== "number" || typeof result.body["cents"] !== "number") throw new NoAnswer();
    return { ok: true, receipt: result.body };
  }

  private async signed<T>(method: Method, path: string, ask: Ask = {}, till = this.till): Promise<Result<T>> {
    if (!till) throw new NoAnswer();
    const first = await this.signedOnce<T>(till, method, path, ask);
    if (first.ok || first.problem.reason !== "clock_skew" || typeof first.problem.server_time !== "number") return first;
    const corrected = { ...till, clockOffsetMs: first.problem.server_time - this.parts.now() };
    if (this.till?.tillId === till.tillId) {
      this.till = corrected;
      this.parts.onClock(corrected);
    }
    return this.signedOnce<T>(corrected, method, path, ask);
  }

  private async signedOnce<T>(till: Till, method: Method, path: string, ask: Ask): Promise<Result<T>> {
    const { body = "", key: idempotencyKey = "", patienceMs = PATIENCE_MS } = ask;
    const timeMs = this.parts.now() + till.clockOffsetMs;
    const nonce = signing.newNonce();
    const lines = await signing.sixLines({ method, path, timeMs, nonce, idempotencyKey, body });
    const headers: Record<string, string> = {
      "Vouchers-Till": String(till.tillId),
      "Vouchers-Time": String(timeMs),
      "Vouchers-Nonce": nonce,
      "Vouchers-Signature": await signing.sign(till.key, lines),
    };
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    return this.exchange<T>(method, path, headers, body, patienceMs);
  }

  private async exchange<T>(
    method: Method, path: string, headers: Record<string, string>, body: string, patienceMs: number,
  ): Promise<Result<T>> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), patienceMs);
    try {
      const answer = await fetch(path, {
        method,
        headers: {
          "Accept-Language": this.parts.language,
          ...(body ? { "Content-Type": "application/json" } : {}),
          ...headers,
        },
        ...(body ? { body } : {}),
        cache: "no-store",
        credentials: "omit",
        // The log-in page of a hotel's network must not pass for an answer.
        redirect: "error",
        signal: patience.signal,
      });
      const build = answer.headers.get("Vouchers-Build");
      if (build) this.parts.onBuild(build);
      if (answer.status >= 500) throw new NoAnswer(seconds(answer.headers.get("Retry-After")));
      const pdf = answer.headers.get("Content-Type") === "application/pdf";
      const content: unknown = await (pdf ? answer.blob() : answer.json());
      this.parts.onReachable(true, false);
      if (answer.ok) return { ok: true, body: content as T };
      if (!isProblem(content)) throw new NoAnswer();
      return { ok: false, problem: { ...content, status: answer.status } };
    } catch (reason) {
      this.parts.onReachable(false, patience.signal.aborted && patienceMs <= PATIENCE_MS);
      throw reason instanceof NoAnswer ? reason : new NoAnswer();
    } finally {
      clearTimeout(timer);
    }
  }
}

function isProblem(content: unknown): content is Problem {
  return typeof content === "object" && content !== null && typeof (content as Problem).reason === "string";
}

function seconds(header: string | null): number | null {
  return header !== null && /^\d{1,3}$/.test(header) ? Number(header) * 1000 : null;
}
