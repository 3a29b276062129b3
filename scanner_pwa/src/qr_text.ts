// What a QR in front of the camera says. A text that is not ours is only named "foreign": it is never kept or sent.

export type Read =
  | { kind: "voucher"; code: string }
  | { kind: "pairing"; pairingCode: string }
  | { kind: "training"; code: string }
  | { kind: "foreign" };

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Of the control code: without I L O U 0 1, which are misread or misheard. */
const CONTROL_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

/** `host` is the programme's; another programme's voucher is as foreign to us as a menu on the wall. */
export function readQr(text: string, host: string): Read {
  const match = /^https:\/\/([^/]+)(\/till)?\/#([0-9a-z-]+)$/i.exec(text.trim());
  if (!match) return { kind: "foreign" };
  const [, seenHost = "", till, secret = ""] = match;
  const ours = seenHost.toUpperCase() === host.toUpperCase();
  if (till !== undefined) {
    const training = trainingCode(secret);
    if (training !== null && ours) return { kind: "training", code: training };
    if (secret.includes("-")) return { kind: "foreign" };
    const pairingCode = pairingCodeFromText(secret);
    return pairingCode === null ? { kind: "foreign" } : { kind: "pairing", pairingCode };
  }
  const code = voucherCode(secret);
  if (code === null || !ours) return { kind: "foreign" };
  return { kind: "voucher", code };
}

/** 26 base32 characters hold 130 bits: the two spare ones must be zero, or one voucher would have four texts. */
export function voucherCode(text: string): string | null {
  const code = text.toUpperCase();
  if (!/^[A-Z2-7]{26}$/.test(code)) return null;
  return BASE32.indexOf(code.charAt(25)) % 4 === 0 ? code : null;
}

/** The code of a training voucher, "TRAINING-1000-7", or null. */
export function trainingCode(secret: string): string | null {
  const code = secret.toUpperCase();
  return /^TRAINING-[1-9]\d{0,5}-\d{1,6}$/.test(code) ? code : null;
}

/** Ten characters, however grouped; the server alone knows whether it was given out. */
export function pairingCodeFromText(text: string): string | null {
  const code = text.replace(/[\s-]/g, "").toUpperCase();
  return /^[0-9A-Z]{10}$/.test(code) ? code : null;
}

/**
 * Checks a typed control code on the phone (ISO 7064 hybrid system over our 30 characters, its last one the check):
 * a slip of the finger then costs nothing, where the server would count it as a guess.
 */
export function controlCodeFromText(text: string): string | null {
  const code = text.replace(/[\s-]/g, "").toUpperCase();
  const size = CONTROL_ALPHABET.length;
  if (code.length !== 10) return null;
  let check = size / 2;
  for (const char of code) {
    const value = CONTROL_ALPHABET.indexOf(char);
    if (value < 0) return null;
    check = (((check || size) * 2) % (size + 1) + value) % size;
  }
  return check === 1 ? code : null;
}

/** The serial as printed has leading zeros: "0004217". */
export function serialFromText(text: string): number | null {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{1,12}$/.test(digits)) return null;
  return Number(digits) || null;
}
