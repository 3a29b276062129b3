// Scanners that pretend to be a keyboard: they type faster than any hand and end with Enter or Tab. Most come set for
// an American keyboard, and then a French phone or PC makes "HTTPS://" into "HTTPS!§§": so each key is noted twice,
// as what it wrote and as what an American keyboard would have written.

import { readQr } from "./qr_text.ts";

/** Between two keys of a scanner; Bluetooth and a busy phone make it slow, and a hand that is as fast does no harm. */
export const KEY_MS = 200;
/** No hand types so many keys so fast; an article's bar code has 8. */
const SHORTEST = 6;

const PLAIN: Record<string, string> = { Minus: "-", Period: ".", Slash: "/", Semicolon: ";", Space: " " };
const SHIFTED: Record<string, string> = { Digit3: "#", Semicolon: ":", Minus: "_", Slash: "?" };

export interface Key { key: string; code: string; shiftKey: boolean }

export class Wedge {
  private typed = "";
  private american = "";
  private lastMs = -Infinity;

  /** Both readings of a finished scan, or null while there is none. */
  press(key: Key, atMs: number): [typed: string, american: string] | null {
    if (atMs - this.lastMs > KEY_MS) this.typed = this.american = "";
    if (key.key === "Enter" || key.key === "Tab") {
      const scan: [string, string] = [this.typed, this.american];
      this.typed = this.american = "";
      return Math.max(scan[0].length, scan[1].length) >= SHORTEST ? scan : null;
    }
    if (key.key === "Shift") return null;
    this.lastMs = atMs;
    if (key.key.length === 1) this.typed += key.key;
    this.american += american(key);
    return null;
  }
}

function american({ code, shiftKey }: Key): string {
  const special = (shiftKey ? SHIFTED : PLAIN)[code];
  if (special !== undefined) return special;
  const [, letter, digit] = /^(?:Key([A-Z])|(?:Digit|Numpad)(\d))$/.exec(code) ?? [];
  return letter === undefined ? digit ?? "" : shiftKey ? letter : letter.toLowerCase();
}

/** The reading that says something to us; or what was typed, for the till to call foreign. */
export function ourReading(readings: readonly [string, string], host: string): string {
  return readings.find((text) => readQr(text, host).kind !== "foreign") ?? readings[0];
}

/** Listens on the whole page, but never to what is typed into a field. Enter then presses no button. */
export function listen(onScan: (readings: readonly [string, string]) => void): () => void {
  const wedge = new Wedge();
  const onKey = (event: KeyboardEvent): void => {
    if (event.metaKey || (event.ctrlKey && !event.altKey)) return;
    const scan = wedge.press(event, event.timeStamp);
    const field = event.target instanceof HTMLInputElement ? event.target : null;
    // What a hand types into a field is its own affair; a voucher scanned into one is taken out of it again.
    if (!scan || (field && !scan.some((text) => /^https?:/i.test(text)))) return;
    if (field) {
      field.value = field.value.replace(scan[0], "");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    event.preventDefault();
    event.stopPropagation();
    onScan(scan);
  };
  addEventListener("keydown", onKey, true);
  return () => removeEventListener("keydown", onKey, true);
}
