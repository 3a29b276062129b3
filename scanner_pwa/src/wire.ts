// The shapes of the wire contract, named as on the wire.

export type VoucherRef = { code: string } | { serial: number; control_code: string };

export interface Merchant { id: number; shop_name: string }
export interface Programme {
  id: number;
  name: string;
  host: string;
  whole_use: boolean;
  reversal_window_minutes: number;
}
export interface Paired {
  till_id: number;
  label: string;
  merchant: Merchant;
  programme: Programme;
  server_time: number;
}
export interface Today { count: number; cents: number }

/** A cashier's name and a salted copy of the four digits: it says who, it does not prove it. */
export interface Cashier { id: number; name: string; salt: string; iterations: number; hash: string }
/** What the shop and the programme ask of this till; learnt from the server, kept for the hours without network. */
export interface Rules {
  weak: boolean;
  ask_cashier: "never" | "always";
  undo_pin: boolean;
  cashiers: Cashier[];
  offline: { most_count: number; most_cents: number; max_age_minutes: number; snapshot_key: string } | null;
}
export type About = Paired & Partial<Rules> & { today: Today };

export interface Problem {
  reason: string;
  title: string;
  status: number;
  detail: string;
  serial?: number;
  /** What to tell the customer, in the till's language. */
  say?: string;
  used?: { at: string; own_shop: boolean; shop_name: string | null; cents: number };
  expires_on?: string;
  server_time?: number;
}

export interface Looked {
  /** Null when the voucher was judged without network: the snapshot knows no serials. */
  serial: number | null;
  face_cents: number;
  balance_cents: number;
  state: string;
  expires_on: string;
  spendable: boolean;
  refusal: Problem | null;
}

export interface Redeemed {
  redemption: number;
  at: string;
  cents: number;
  vouchers: { serial: number; cents: number; balance_cents: number }[];
  undo_until: string;
}
export interface Reversed { reversal: number; redemption: number; cents: number }

export interface DayItem {
  redemption: number;
  at: string;
  cents: number;
  reversed_cents: number;
  serials: number[];
  cashier?: string | null;
  till?: string;
  till_id?: number;
}
export interface Day { items: DayItem[]; next: string | number | null }

/** What the next settlement would pay this shop. */
export interface Account {
  owed_cents: number;
  commission_cents: number;
  vat_cents: number;
  net_cents: number;
  since_on: string | null;
}

export interface Dispute {
  number: number;
  serial: number | null;
  cents: number;
  reason: string;
  scanned_at: string;
  state: "open" | "guaranteed" | "dismissed";
  text: string;
}
export interface Disputes { items: Dispute[]; next: string | number | null }

/** A list of what may be spent, signed by the programme; `snapshot` is the JSON text of a `SnapshotText`. */
export interface SignedSnapshot { snapshot: string; signature: string }
export interface VoucherClass { cents: number; expires_on: string }
export interface SnapshotText {
  programme_id: number;
  version: string;
  since: string | null;
  at: string;
  salt: string;
  classes: VoucherClass[];
  put: string;
  drop: string;
  most_count: number;
  most_cents: number;
  max_age_minutes: number;
}

/** The server's definite answer to one voucher accepted without network. */
export interface AcceptanceResult {
  key: string;
  outcome: "redeemed" | "disputed" | "invalid";
  redemption?: number | null;
  serial?: number | null;
  cents?: number | null;
  undo_until?: string | null;
  dispute?: number | null;
  reason?: string | null;
  say?: string | null;
  used?: NonNullable<Problem["used"]> | null;
  guaranteed_cents?: number | null;
}
