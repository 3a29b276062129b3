// The phone's key and what it signs. ECDSA P-256 by WebCrypto, not extractable: the key cannot leave this phone.
// The signature of WebCrypto is already the raw 64 bytes r||s of the wire contract. A phone that cannot keep such a
// key signs with a secret of 32 bytes instead: weaker, and the treasurer is told.
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const HASH = { name: "ECDSA", hash: "SHA-256" } as const;

export type Bytes = Uint8Array<ArrayBuffer>;
export type TillKey = CryptoKey | Bytes;

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

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

const hexOf = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export async function sha256Hex(bytes: Bytes): Promise<string> {
  return hexOf(await sha256(bytes));
}

/** The six lines under a signature. */
export async function sixLines(envelope: Envelope): Promise<string> {
  const { method, path, timeMs, nonce, idempotencyKey } = envelope;
  return [method, path, timeMs, nonce, idempotencyKey, await sha256Hex(utf8(envelope.body))].join("\n");
}

export function pairingLines(pairingCode: string, publicKey: string, label: string): string {
  return ["pair", pairingCode, publicKey, label].join("\n");
}

export async function sign(key: TillKey, text: string): Promise<string> {
  if (!(key instanceof Uint8Array)) return base64url(await crypto.subtle.sign(HASH, key, utf8(text)));
  const mac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return base64url(await crypto.subtle.sign("HMAC", mac, utf8(text)));
}

export async function isSignedBy(publicKey: CryptoKey, text: string, signature: string): Promise<boolean> {
  return crypto.subtle.verify(HASH, publicKey, bytesOf(signature), utf8(text));
}

export async function newKeyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

/** The uncompressed point, 65 bytes. */
export async function publicKeyText(publicKey: CryptoKey): Promise<string> {
  return base64url(await crypto.subtle.exportKey("raw", publicKey));
}

export function publicKeyOf(text: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytesOf(text), CURVE, false, ["verify"]);
}

export function newSecret(): Bytes {
  return crypto.getRandomValues(new Uint8Array(32));
}

export function newNonce(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}

/** A random UUID; `crypto.randomUUID` is younger than the oldest phones we serve. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return hexOf(bytes).replace(/^(.{8})(....)(....)(....)/, "$1-$2-$3-$4-");
}

export function base64url(bytes: ArrayBuffer | Bytes): string {
  const binary = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function bytesOf(text: string): Bytes {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
}
