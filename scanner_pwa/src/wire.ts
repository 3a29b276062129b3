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
  serial: number;
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
}
export interface Day { items: DayItem[]; next: string | number | null }
