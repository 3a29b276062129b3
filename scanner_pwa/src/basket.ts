// The vouchers a customer puts on the counter, and what is taken from each.
import type { Looked, VoucherRef } from "./wire.ts";

export interface Line {
  voucher: VoucherRef;
  looked: Looked;
  /** Judged by the list on the phone, not by the server. */
  offline: boolean;
}
export interface Taken { line: Line; cents: number }

export const BASKET_MAX = 20;

export function has(basket: readonly Line[], { voucher, looked }: Line): boolean {
  return basket.some((line) => (looked.serial !== null && looked.serial === line.looked.serial)
    || ("code" in voucher && "code" in line.voucher && voucher.code === line.voucher.code));
}

/**
 * What is taken from each voucher. A whole-use programme takes every voucher entirely, whatever the sale; otherwise
 * no more than the sale is taken, first read first, and a voucher the sale does not need is left out.
 */
export function taken(basket: readonly Line[], saleCents: number | null, wholeUse: boolean): Taken[] {
  let left = wholeUse || saleCents === null ? Infinity : saleCents;
  const result: Taken[] = [];
  for (const line of basket) {
    const cents = Math.min(line.looked.balance_cents, left);
    left -= cents;
    if (cents > 0) result.push({ line, cents });
  }
  return result;
}

export function total(lines: readonly Taken[]): number {
  return lines.reduce((sum, { cents }) => sum + cents, 0);
}

/** The body of the redemption, made once: it is kept and repeated to the byte. `null` cents is "all of it". */
export function redemptionBody(lines: readonly Taken[], saleCents: number | null, cashier: number | null): string {
  return JSON.stringify({
    vouchers: lines.map(({ line, cents }) => ({
      ...line.voucher,
      cents: cents === line.looked.balance_cents ? null : cents,
    })),
    sale_cents: saleCents,
    ...(cashier === null ? {} : { cashier }),
  });
}
