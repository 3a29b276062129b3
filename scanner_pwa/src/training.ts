// A day's training with false vouchers: their whole life is played on the phone. Nothing is sent, nothing is kept.
import { total, type Taken } from "./basket.ts";
import { parisDay } from "./days.ts";
import { trainingCode } from "./qr_text.ts";
import type { Looked, Redeemed, VoucherRef } from "./wire.ts";
import * as words from "./words.ts";

const YEAR_MS = 365 * 86_400_000;
const UNDO_MS = 900_000;

export class Training {
  private readonly used = new Map<number, { at: string; redemption: number; cents: number }>();
  private redemptions = 0;

  look(voucher: VoucherRef, nowMs: number): Looked | null {
    const code = "code" in voucher ? trainingCode(voucher.code) : null;
    if (code === null) return null;
    const [, cents, serial] = code.split("-").map(Number) as [number, number, number];
    const used = this.used.get(serial);
    return {
      serial, face_cents: cents, balance_cents: used ? 0 : cents, state: "active", spendable: !used,
      expires_on: parisDay(nowMs + YEAR_MS),
      refusal: used ? {
        reason: "already_redeemed", title: "", status: 409, detail: "", serial, say: words.trainingSay,
        used: { at: used.at, own_shop: true, shop_name: null, cents: used.cents },
      } : null,
    };
  }

  redeem(lines: readonly Taken[], nowMs: number): Redeemed {
    const at = new Date(nowMs).toISOString();
    const redemption = --this.redemptions; // no redemption of the server has such a number
    const vouchers = lines.map(({ line, cents }) => {
      const serial = line.looked.serial ?? 0;
      this.used.set(serial, { at, redemption, cents });
      return { serial, cents, balance_cents: 0 };
    });
    return { redemption, at, cents: total(lines), vouchers, undo_until: new Date(nowMs + UNDO_MS).toISOString() };
  }

  undo(redemption: number): void {
    for (const [serial, used] of this.used) if (used.redemption === redemption) this.used.delete(serial);
  }
}
