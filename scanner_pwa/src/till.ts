// The API as this till speaks it: every request signed, the clock corrected when the server says it is off.
import { NoAnswer, type Answer, type Entry } from "./outbox.ts";
import * as signing from "./signing.ts";
import type { Till } from "./storage.ts";
import type { Day, Looked, Paired, Problem, Today, VoucherRef } from "./wire.ts";

const API = "/api/v1";
/** A customer waits: after this the answer is "unknown" and the same question is asked again. */
const PATIENCE_MS = 6000;

export type Result<T> = { ok: true; body: T } | { ok: false; problem: Problem };

interface Parts {
  language: string;
  now: () => number;
  onReachable: (reachable: boolean) => void;
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
  async pair(pairingCode: string, label: string, keys: CryptoKeyPair): Promise<Result<Paired>> {
    const publicKey = await signing.publicKeyText(keys.publicKey);
    const signature = await signing.sign(keys.privateKey, signing.pairingLines(pairingCode, publicKey, label));
    const body = JSON.stringify({ pairing_code: pairingCode, public_key: publicKey, label, signature });
    return this.exchange<Paired>("POST", `${API}/tills/pair`, {}, body);
  }

  about(): Promise<Result<Paired & { today: Today }>> {
    return this.signed("GET", `${API}/till`);
  }

  lookUp(voucher: VoucherRef): Promise<Result<Looked>> {
    return this.signed("POST", `${API}/till/look-up`, JSON.stringify({ voucher }));
  }

  day(day: string): Promise<Result<Day>> {
    return this.signed("GET", `${API}/till/redemptions?day=${day}`);
  }

  /** Sends one entry of the outbox exactly as written. */
  async send(entry: Entry): Promise<Answer> {
    const result = await this.signed<Record<string, unknown>>("POST", entry.path, entry.body, entry.key);
    if (!result.ok) return result;
    // A receipt without its number is not our server's: better to ask again than to show a green page.
    if (typeof result.body[entry.kind] !== "number" || typeof result.body["cents"] !== "number") throw new NoAnswer();
    return { ok: true, receipt: result.body };
  }

  private async signed<T>(method: "GET" | "POST", path: string, body = "", idempotencyKey = ""): Promise<Result<T>> {
    const first = await this.signedOnce<T>(method, path, body, idempotencyKey);
    if (first.ok || first.problem.reason !== "clock_skew" || !this.till) return first;
    if (typeof first.problem.server_time !== "number") return first;
    this.till = { ...this.till, clockOffsetMs: first.problem.server_time - this.parts.now() };
    this.parts.onClock(this.till);
    return this.signedOnce<T>(method, path, body, idempotencyKey);
  }

  private async signedOnce<T>(method: "GET" | "POST", path: string, body: string, idempotencyKey: string): Promise<Result<T>> {
    if (!this.till) throw new NoAnswer();
    const timeMs = this.serverNow();
    const nonce = signing.newNonce();
    const lines = await signing.sixLines({ method, path, timeMs, nonce, idempotencyKey, body });
    const headers: Record<string, string> = {
      "Vouchers-Till": String(this.till.tillId),
      "Vouchers-Time": String(timeMs),
      "Vouchers-Nonce": nonce,
      "Vouchers-Signature": await signing.sign(this.till.key, lines),
    };
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    return this.exchange<T>(method, path, headers, body);
  }

  private async exchange<T>(method: string, path: string, headers: Record<string, string>, body: string): Promise<Result<T>> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
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
      const content: unknown = await answer.json();
      this.parts.onReachable(true);
      if (answer.ok) return { ok: true, body: content as T };
      if (!isProblem(content)) throw new NoAnswer();
      return { ok: false, problem: { ...content, status: answer.status } };
    } catch (reason) {
      this.parts.onReachable(false);
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
