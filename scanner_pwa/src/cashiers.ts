// Who stands at the till: four digits against a salted copy, so that it also works without network. They attribute a
// sale, they prove nothing; still, somebody else's digits are not for trying out.
import { base64url, bytesOf, utf8 } from "./signing.ts";
import type { Cashier } from "./wire.ts";

export const IDLE_MS = 600_000;
const MOST_TRIES = 5;
const LOCKED_MS = 300_000;

export type SignedIn = { ok: true } | { ok: false; left: number; lockedUntilMs: number | null };

interface Notes { read<T>(name: string): Promise<T | undefined>; keep(name: string, value: unknown): Promise<unknown> }
type Tries = Record<number, { wrong: number; atMs: number }>;

/** Each try is written down before it is judged: closing the app gives no new ones. */
export async function tryPin(cashier: Cashier, pin: string, nowMs: number, notes: Notes): Promise<SignedIn> {
  const tries = (await notes.read<Tries>("tries")) ?? {};
  const last = tries[cashier.id];
  const locked = last !== undefined && last.wrong >= MOST_TRIES;
  if (locked && nowMs < last.atMs) {
    last.atMs = nowMs; // the clock was set back: five minutes stay five minutes
    await notes.keep("tries", tries);
  }
  if (locked && nowMs < last.atMs + LOCKED_MS) return { ok: false, left: 0, lockedUntilMs: last.atMs + LOCKED_MS };
  const wrong = (locked ? 0 : last?.wrong ?? 0) + 1;
  await notes.keep("tries", { ...tries, [cashier.id]: { wrong, atMs: nowMs } });
  if (!(await isRight(cashier, pin))) {
    return { ok: false, left: MOST_TRIES - wrong, lockedUntilMs: wrong < MOST_TRIES ? null : nowMs + LOCKED_MS };
  }
  delete tries[cashier.id];
  await notes.keep("tries", tries);
  return { ok: true };
}

async function isRight({ salt, iterations, hash }: Cashier, pin: string): Promise<boolean> {
  const digits = await crypto.subtle.importKey("raw", utf8(pin), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytesOf(salt), iterations };
  return base64url(await crypto.subtle.deriveBits(how, digits, 256)) === hash;
}
