// The list of what may be spent, signed and dated by the programme: by it alone a voucher is judged while the network
// is away. It names no voucher: eight bytes of a salted hash each, with a class (value and last day).
import { bytesOf, isSignedBy, publicKeyOf, sha256Hex, utf8 } from "./signing.ts";
import type { SignedSnapshot, SnapshotText, VoucherClass } from "./wire.ts";

export interface Held {
  programmeId: number;
  version: string;
  /** When it was made, by the server's clock. */
  atMs: number;
  /** When it was asked for, by this phone's clock: what this phone heard of since, it may not know. */
  askedMs?: number;
  salt: string;
  /** Sorted; `classes` says the place in `table` of each. */
  prefixes: BigUint64Array;
  classes: Uint16Array;
  table: VoucherClass[];
  /** What this till may take by this list. */
  mostCount: number;
  mostCents: number;
  mostAgeMs: number;
}

/** A clock that stands before the list was made was set back: such a list has no age. */
const CLOCKS_DIFFER_MS = 120_000;

/** The text, where the programme's key signed it. */
export async function opened({ snapshot, signature }: SignedSnapshot, publicKey: string): Promise<SnapshotText | null> {
  if (!(await isSignedBy(await publicKeyOf(publicKey), snapshot, signature))) return null;
  return JSON.parse(snapshot) as SnapshotText;
}

/** The list after `text`: whole, or what has changed since `held`. Null when it is not a successor of what is held. */
export function applied(held: Held | null, text: SnapshotText, programmeId: number): Held | null {
  const atMs = Date.parse(text.at);
  if (text.programme_id !== programmeId || !(atMs >= (held?.atMs ?? 0))) return null;
  const older = text.since === null ? null : held;
  if (text.since !== null && (older?.version !== text.since || older.salt !== text.salt)) return null;
  const head = {
    programmeId, version: text.version, atMs, salt: text.salt, mostCount: text.most_count, mostCents: text.most_cents,
    mostAgeMs: text.max_age_minutes * 60_000,
  };
  if (older && !text.put && !text.drop) return { ...older, ...head };

  const table = older ? [...older.table] : [];
  const places = text.classes.map(({ cents, expires_on }) => {
    const place = table.findIndex((one) => one.cents === cents && one.expires_on === expires_on);
    return place < 0 ? table.push({ cents, expires_on }) - 1 : place;
  });
  const good = new Map<bigint, number>();
  older?.prefixes.forEach((prefix, at) => good.set(prefix, older.classes[at]!));
  for (const [prefix] of rows(text.drop, 8)) good.delete(prefix);
  for (const [prefix, place] of rows(text.put, 9)) good.set(prefix, places[place]!);
  const prefixes = BigUint64Array.from(good.keys()).sort();
  return { ...head, table, prefixes, classes: Uint16Array.from(prefixes, (prefix) => good.get(prefix)!) };
}

export function isYoung(held: Held, nowMs: number): boolean {
  const age = nowMs - held.atMs;
  return age <= held.mostAgeMs && age > -CLOCKS_DIFFER_MS;
}

/** SHA-256 over the programme's salt and the code, as hex. */
export function digestOf(held: Held, code: string): Promise<string> {
  return sha256Hex(new Uint8Array([...bytesOf(held.salt), ...utf8(code)]));
}

export function find(held: Held, digest: string): VoucherClass | null {
  const wanted = BigInt(`0x${digest.slice(0, 16)}`);
  let low = 0;
  let high = held.prefixes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (held.prefixes[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return held.prefixes[low] === wanted ? held.table[held.classes[low]!]! : null;
}

function* rows(text: string, size: number): Generator<[prefix: bigint, place: number]> {
  const view = new DataView(bytesOf(text).buffer);
  for (let at = 0; at < view.byteLength; at += size) {
    yield [view.getBigUint64(at), size > 8 ? view.getUint8(at + 8) : 0];
  }
}
