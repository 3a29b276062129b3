// The phone's key and what it signs. ECDSA P-256 by WebCrypto, not extractable: the key cannot leave this phone.
// The signature of WebCrypto is already the raw 64 bytes r||s of the wire contract.
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const HASH = { name: "ECDSA", hash: "SHA-256" } as const;

export interface Envelope {
  method: "GET" | "POST";
  /** With its query, as sent. */
  path: string;
  timeMs: number;
  nonce: string;
  /** Empty on reads. */
  idempotencyKey: string;
  body: string;
}

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The six lines under a signature. */
export async function sixLines(envelope: Envelope): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(envelope.body)));
  const bodyHash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const { method, path, timeMs, nonce, idempotencyKey } = envelope;
  return [method, path, String(timeMs), nonce, idempotencyKey, bodyHash].join("\n");
}

export function pairingLines(pairingCode: string, publicKey: string, label: string): string {
  return ["pair", pairingCode, publicKey, label].join("\n");
}

export async function sign(key: CryptoKey, text: string): Promise<string> {
  return base64url(await crypto.subtle.sign(HASH, key, utf8(text)));
}

export async function isSignedBy(publicKey: CryptoKey, text: string, signature: string): Promise<boolean> {
  const raw = Uint8Array.from(atob(signature.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  return crypto.subtle.verify(HASH, publicKey, raw, utf8(text));
}

export async function newKeyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

/** The uncompressed point, 65 bytes. */
export async function publicKeyText(publicKey: CryptoKey): Promise<string> {
  return base64url(await crypto.subtle.exportKey("raw", publicKey));
}

export function newNonce(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(16)).buffer);
}

/** A random UUID; `crypto.randomUUID` is younger than the oldest phones we serve. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export function base64url(bytes: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
