// Makes this phone a till of the shop: a key that cannot leave it, proven to survive, then shown to the server.
import { isSignedBy, newKeyPair, newSecret, sign } from "./signing.ts";
import { pairing, type Candidate, type Till } from "./storage.ts";
import type { TillClient } from "./till.ts";
import type { Problem } from "./wire.ts";

export type Enrolled =
  | { kind: "paired"; till: Till }
  | { kind: "refused"; problem: Problem }
  | { kind: "no_key" };

/** Throws `NoAnswer` when the server did not answer; the same keys are then offered again. */
export async function enrol(client: TillClient, pairingCode: string, label: string): Promise<Enrolled> {
  const keys = await keysThatLast();
  if (!keys) return { kind: "no_key" };
  const result = await client.pair(pairingCode, label, keys);
  if (!result.ok) return { kind: "refused", problem: result.problem };
  const { till_id, merchant, programme, server_time } = result.body;
  const till: Till = {
    tillId: till_id,
    label: result.body.label,
    merchant,
    programme,
    key: keys instanceof Uint8Array ? keys : keys.privateKey,
    clockOffsetMs: server_time - Date.now(),
  };
  await pairing.keep(till);
  // Asks the browser not to sweep our storage away; it may say no, and the outbox is emptied soon anyway.
  await navigator.storage?.persist?.().catch(() => false);
  return { kind: "paired", till };
}

/**
 * Some browsers (private windows, locked-down phones) make a key but lose it: written, read back and tried first. Where
 * none lasts, a secret may.
 */
async function keysThatLast(): Promise<Candidate | null> {
  return (await thatLast(newKeyPair)) ?? thatLast(newSecret);
}

async function thatLast(make: () => Candidate | Promise<Candidate>): Promise<Candidate | null> {
  const before = await readBack();
  if (before) return before;
  try {
    await pairing.keepCandidate(await make());
    return await readBack();
  } catch {
    return null;
  }
}

async function readBack(): Promise<Candidate | null> {
  const trial = "a key that lasts";
  try {
    const kept = await pairing.candidate();
    if (!kept || kept instanceof Uint8Array) return kept ?? null;
    if (kept.privateKey.extractable) return null;
    return (await isSignedBy(kept.publicKey, trial, await sign(kept.privateKey, trial))) ? kept : null;
  } catch {
    return null;
  }
}
