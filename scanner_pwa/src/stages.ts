// What the till shows and hears: its stages, its verdicts, its state. Screens know these and nothing of what decides.
import type { Line } from "./basket.ts";
import type { Known } from "./contact.ts";
import type { Acceptance, Queue } from "./offline.ts";
import type { Entry, Waiting } from "./outbox.ts";
import type { AcceptanceResult, Cashier, Problem, Redeemed, VoucherRef } from "./wire.ts";

export type Verdict =
  | { tone: "accepted"; receipt: Redeemed; late: boolean; entry: Entry }
  | { tone: "undone"; cents: number; entry: Entry }
  /** `culprit` is what a voucher without a known number is called. */
  | { tone: "refused"; problem: Problem; entry: Entry | null; culprit: string | null }
  /** Taken without network: on the phone for good, and for the server to confirm. */
  | { tone: "offline"; cents: number; count: number; saleCents: number | null; atMs: number }
  | { tone: "foreign"; what: "foreign" | "pairing" | "training" }
  | { tone: "silent"; voucher: VoucherRef }
  | { tone: "broken" }
  /** News of a voucher taken without network that the server did not confirm. */
  | { tone: "dispute"; acceptance: Acceptance; result: AcceptanceResult };

/** Pages that ask for nothing but to be shown. */
export type Plain = "typed" | "today" | "search" | "account" | "disputes" | "queue" | "menu" | "owner" | "cashier";

export type Stage =
  | { at: "counter" }
  | { at: "looking" }
  | { at: "basket" }
  | { at: "asking"; key: string }
  | { at: "verdict"; verdict: Verdict }
  | { at: "undo"; redemption: number; cents: number; serials: number[]; problem: Problem | null }
  | { at: Plain }
  /** Another tab is the till. */
  | { at: "elsewhere" }
  /** The phone keeps nothing. */
  | { at: "storage" }
  | { at: "revoked" };

export interface State extends Known {
  stage: Stage;
  basket: readonly Line[];
  saleCents: number | null;
  /** One short line over the camera, with a number so that the same words twice are said twice. */
  note: { text: string; number: number } | null;
  waiting: readonly Waiting[];
  queue: Queue;
  /** When the list of what may be spent was made, by the server's clock. */
  syncedMs: number | null;
  cashier: Cashier | null;
  training: boolean;
}

/** What the cashier hears and feels; never the only signal. */
export interface Feedback {
  tick(): void;
  accepted(): void;
  offline(): void;
  refused(): void;
  unsure(): void;
}
