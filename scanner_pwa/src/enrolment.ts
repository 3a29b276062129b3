// Makes this phone a till of the shop: a key that cannot leave it, proven to survive, then shown to the server.
import { isSignedBy, newKeyPair, sign } from "./signing.ts";
import { pairing, type Till } from "./storage.ts";
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
    key: keys.privateKey,
    clockOffsetMs: server_time - Date.now(),
  };
  await pairing.keep(till);
  // Asks the browser not to sweep our storage away; it may say no, and the outbox is emptied soon anyway.
  await navigator.storage?.persist?.().catch(() => false);
  return { kind: "paired", till };
}

/** Some browsers (private windows, locked-down phones) make a key but lose it: written, read back and tried first. */
async function keysThatLast(): Promise<CryptoKeyPair | null> {
  try {
    if (!(await pairing.candidate())) await pairing.keepCandidate(await newKeyPair());
    const keys = await pairing.candidate();
    if (!keys || keys.privateKey.extractable) return null;
    const trial = "a key that lasts";
    return (await isSignedBy(keys.publicKey, trial, await sign(keys.privateKey, trial))) ? keys : null;
  } catch {
    return null;
  }
}
