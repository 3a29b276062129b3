// Vouchers taken while the network is away, on a real IndexedDB engine (in memory).
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { beforeEach, test } from "node:test";
import type { Line } from "../src/basket.ts";
import type { Offline } from "../src/offline.ts";
import { newKeyPair } from "../src/signing.ts";
import { notes, pairing, queueShelf } from "../src/storage.ts";
import { codeOf, clock, digestOf, Door, emptyPhone, HOUR, listOf, NOON, openApp, tillOf, until } from "./makers.ts";

let door: Door;

beforeEach(async () => {
  await emptyPhone();
  door = new Door();
  await pairing.keep(await tillOf());
});

function lineOf(number: number, cents = 1000): { line: Line; cents: number } {
  const looked = { serial: null, face_cents: cents, balance_cents: cents, state: "active", expires_on: "2027-06-30", spendable: true, refusal: null };
  return { line: { voucher: { code: codeOf(number) }, looked, offline: true }, cents };
}

async function take(app: { offline: Offline }, ...numbers: number[]): Promise<string | null> {
  return (await app.offline.take((await pairing.read())!, numbers.map((number) => lineOf(number)), 4, []))?.problem.reason ?? null;
}

async function reason(app: { offline: Offline }, number: number, before: number[] = [], sent: string[] = []): Promise<string | null> {
  const judged = await app.offline.judge({ code: codeOf(number) }, before, sent);
  return judged.ok ? null : judged.problem.reason;
}

test("each voucher is written with its place in the chain, and signed by the phone", async () => {
  const keys = await newKeyPair();
  await pairing.keep(await tillOf(7, keys.privateKey));
  const app = await openApp(door);
  door.down = true;
  assert.equal(await take(app, 1, 2), null);
  assert.equal(await take(app, 3), null);
  const { entries } = await queueShelf.all();
  const texts = entries.map(({ entry }) => JSON.parse(entry) as Record<string, unknown>);
  assert.deepEqual(texts.map(({ number }) => number), [1, 2, 3]);
  assert.deepEqual(texts.map(({ previous }) => previous), ["", ...entries.slice(0, 2).map(({ entry }) => createHash("sha256").update(entry).digest("hex"))]);
  const { key, ...first } = texts[0]!;
  assert.match(String(key), /^[0-9a-f-]{36}$/);
  assert.deepEqual(first, {
    till: 7, number: 1, previous: "", digest: digestOf(codeOf(1)).toString("hex"), cents: 1000, cashier: 4, snapshot: "v1",
    scanned_at: "2026-11-21T11:00:00.000Z",
  });
  for (const { entry, signature } of entries) {
    assert.ok(await webcrypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, keys.publicKey, Buffer.from(signature, "base64url"), Buffer.from(entry)));
  }
});

test("what the list does not know, what is past its date, and what this phone holds already is not taken", async () => {
  door.list = listOf([1, 2], { classes: [{ cents: 1000, expires_on: "2026-11-21" }] });
  const app = await openApp(door);
  assert.equal(await reason(app, 9), "offline_unknown");
  assert.equal(await reason(app, 1), null, "the last day is a good day");
  assert.equal(await take(app, 1), null);
  assert.equal(await reason(app, 1), "offline_queued");
  clock.ms = Date.parse("2026-11-21T23:30:00Z");
  assert.equal(await reason(app, 2), "voucher_expired", "in Paris it is tomorrow");
  clock.ms = NOON + 25 * HOUR;
  assert.equal(await reason(app, 2), "offline_stale");
});

test("no more is taken than the list allows, in vouchers and in euros, counting what waits and what is in the basket", async () => {
  door.list = listOf([1, 2, 3, 4], { most_count: 3, most_cents: 2500 });
  const app = await openApp(door);
  door.down = true;
  assert.equal(await take(app, 1), null);
  assert.equal(await reason(app, 2), null);
  assert.equal(await reason(app, 2, [1000]), "offline_cap", "30 euros are more than 25");
  assert.equal(await take(app, 2, 3), "offline_cap");
  assert.equal((await queueShelf.all()).entries.length, 1, "all of the basket or nothing");

  door.down = false;
  await app.offline.flush();
  assert.equal(await reason(app, 2, [1000]), "offline_cap", "confirmed, but the list was made before");
  door.list = { ...door.list, version: "v2", at: new Date(NOON + 1000).toISOString() };
  clock.ms += 1000;
  await app.counter.wake();
  assert.equal(await reason(app, 2, [1000]), null);
});

test("a voucher that was sent and has no answer is not taken a second time, nor any while a typed one is unsure", async () => {
  const app = await openApp(door);
  assert.equal(await reason(app, 1, [], [JSON.stringify({ vouchers: [{ code: codeOf(1), cents: null }] })]), "offline_unsure");
  assert.equal(await reason(app, 2, [], [JSON.stringify({ vouchers: [{ code: codeOf(1), cents: null }] })]), null);
  assert.equal(await reason(app, 2, [], [JSON.stringify({ vouchers: [{ serial: 2, control_code: "ABCDE2345E" }] })]), "offline_unsure");
});

test("what waits is sent in order, fifty at a time, each once", async () => {
  const numbers = Array.from({ length: 120 }, (_, number) => number);
  door.list = listOf(numbers, { most_count: 200, most_cents: 1_000_000 });
  const app = await openApp(door);
  door.down = true;
  for (const number of numbers) assert.equal(await take(app, number), null);
  assert.equal(app.offline.queue.count, 120);
  door.down = false;
  await app.offline.flush();
  const sent = door.heard.filter(({ path }) => path.endsWith("/acceptances")).map(({ body }) => body["entries"] as { entry: string }[]);
  assert.deepEqual(sent.map(({ length }) => length), [50, 50, 20]);
  assert.deepEqual(sent.flat().map(({ entry }) => (JSON.parse(entry) as { number: number }).number), numbers.map((number) => number + 1));
  assert.equal(app.offline.queue.count, 0);
});

test("the phone is killed after the send and before the answer: the next one sends the same, and it is taken once", async () => {
  const first = await openApp(door);
  door.down = true;
  await take(first, 1, 2, 3);
  door.down = false;
  door.mute = true;
  await first.offline.flush();
  assert.equal(door.answered.size, 3, "the server has written them");
  door.mute = false;
  const second = await openApp(door);
  await until(() => second.offline.queue.count === 0);
  assert.equal(door.answered.size, 3);
  assert.equal(second.offline.queue.count, 0);
  assert.equal(second.counter.state.stage.at, "counter", "confirmed vouchers need no word");
});

test("the one that somebody took first is told on the idle counter until it was seen; what nobody can read is never dropped", async () => {
  const lost = digestOf(codeOf(1)).toString("hex");
  const broken = digestOf(codeOf(2)).toString("hex");
  door.judge = (digest) => digest === lost ? { outcome: "disputed", dispute: 5, reason: "already_redeemed", guaranteed_cents: 0 }
    : digest === broken ? { outcome: "invalid", reason: "signature_invalid" } : {};
  const app = await openApp(door);
  door.down = true;
  await take(app, 1, 2, 3);
  door.down = false;
  await app.offline.flush();
  const told: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const { stage } = app.counter.state;
    if (stage.at === "verdict" && stage.verdict.tone === "dispute") told.push(stage.verdict.result.outcome);
    await app.counter.dismiss();
  }
  assert.deepEqual(told, ["disputed", "invalid"]);
  assert.ok(app.counter.idle, "nothing waits any more");

  door.list = { ...door.list, version: "v2", at: new Date(NOON + 1000).toISOString() };
  clock.ms += 1000;
  await app.counter.wake();
  const kept = await queueShelf.all();
  assert.deepEqual(kept.entries.map(({ code }) => code), [codeOf(2)]);
  assert.equal(kept.results[0]?.result.outcome, "invalid");
});

test("a phone paired anew sends what it took as the till it was, with that till's key", async () => {
  const before = await openApp(door);
  door.down = true;
  await take(before, 1);
  door.down = false;
  door.refusals.set("/api/v1/till", { reason: "till_revoked", status: 401 });
  door.refusals.set("/api/v1/till/acceptances", { reason: "too_many_attempts", status: 429 });
  await before.counter.refresh();
  await until(() => before.counter.state.stage.at === "revoked");
  assert.equal(before.counter.state.stage.at, "revoked");
  assert.equal(before.offline.queue.count, 1, "refused for now, not dropped");

  door.refusals.clear();
  await pairing.keep(await tillOf(8));
  const after = await openApp(door);
  await until(() => after.offline.queue.count === 0);
  assert.equal(after.offline.queue.count, 0);
  assert.equal(door.answered.size, 1);
  door.list = { ...door.list, version: "v2", at: new Date(NOON + 1000).toISOString() };
  clock.ms += 1000;
  await after.counter.wake();
  assert.equal(await pairing.former(7), undefined, "its key has served");
});

test("a list that cannot be trusted changes nothing, and the next one is asked for whole", async () => {
  const app = await openApp(door);
  door.list = listOf([9], { version: "v2", since: "v0" });
  await app.counter.wake();
  assert.equal(app.offline.held?.version, "v1");
  await app.counter.wake();
  const asked = door.heard.filter(({ path }) => path.endsWith("/snapshot")).map(({ body }) => body["since"]);
  assert.deepEqual(asked, [null, "v1", null]);
});

test("a programme that takes offline back leaves no list on the phone", async () => {
  const app = await openApp(door);
  door.offline = false;
  await app.counter.wake();
  assert.equal(app.offline.held, null);
  assert.equal(await notes.read("list"), null);
});

test("a voucher taken while the first list was under way is not called good by it", async () => {
  door.offline = false;
  const app = await openApp(door);
  door.offline = true;
  const release = door.hold("/api/v1/till/snapshot");
  const waking = app.counter.wake();
  await until(() => door.heard.some(({ path }) => path.endsWith("/snapshot")));
  await app.counter.lookUp({ code: codeOf(1) });
  await app.counter.redeem();
  release();
  await waking;
  assert.equal(app.offline.held?.version, "v1");
  assert.equal(await reason(app, 1), "offline_queued");
});

test("a list made before the server heard of a voucher does not make it good again, though the phone's clock is behind", async () => {
  const app = await openApp(door);
  clock.ms = NOON + HOUR;
  door.down = true;
  assert.equal(await take(app, 1), null);
  door.down = false;
  door.list = { ...door.list, version: "v2", at: new Date(clock.ms + 90_000).toISOString() };
  const release = door.hold("/api/v1/till/snapshot");
  const renewing = app.counter.wake();
  await until(() => app.offline.queue.count === 0 && door.heard.some(({ body }) => body["since"] === "v1"));
  clock.ms += 1000;
  release();
  await renewing;
  assert.equal(app.offline.held?.version, "v2");
  assert.equal(await reason(app, 1), "offline_queued");
});

test("what the phone took as the till it was is not taken by the till it is now", async () => {
  const before = await openApp(door);
  door.down = true;
  assert.equal(await take(before, 1), null);
  await pairing.keep(await tillOf(8));
  door.down = false;
  door.refusals.set("/api/v1/till/acceptances", { reason: "too_many_attempts", status: 429 });
  const after = await openApp(door);
  assert.equal(after.offline.queue.count, 1);
  assert.equal(await reason(after, 1), "offline_queued");
});

test("after a typed voucher was taken no other is judged by a list that may still hold it, also once the app was reopened", async () => {
  const first = await openApp(door);
  await first.counter.lookUp({ serial: 1, control_code: "ABCDE2345E" });
  door.refusals.set("/api/v1/till/snapshot", { reason: "too_many_attempts", status: 429 });
  await first.counter.redeem();
  await until(() => door.heard.filter(({ path }) => path.endsWith("/snapshot")).length > 1);
  await first.counter.dismiss();
  door.down = true;
  const app = await openApp(door);
  assert.equal(await reason(app, 1), "offline_unsure");
  door.down = false;
  door.refusals.clear();
  clock.ms += 1000;
  await app.counter.wake();
  assert.equal(await reason(app, 1), null, "this list was asked for after the sale");
});
