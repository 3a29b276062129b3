// What the cashier sees while the network comes and goes, up to the verdict and without a screen.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { beforeEach, test } from "node:test";
import type { Counter, Stage } from "../src/counter.ts";
import { outboxShelf, pairing, queueShelf } from "../src/storage.ts";
import { codeOf, clock, Door, emptyPhone, HOUR, NOON, openApp, qrOf, settle, tillOf, until } from "./makers.ts";

let door: Door;

beforeEach(async () => {
  await emptyPhone();
  door = new Door();
  await pairing.keep(await tillOf());
});

function said(stage: Stage): string {
  if (stage.at !== "verdict") return stage.at;
  const { verdict } = stage;
  return verdict.tone === "refused" ? verdict.problem.reason : verdict.tone;
}

async function shows(counter: Counter, wanted: string, why = "what is shown"): Promise<void> {
  await until(() => said(counter.state.stage) === wanted);
  assert.equal(said(counter.state.stage), wanted, why);
}

test("with the network gone a voucher of the list is taken in amber, and is on the phone for good before the cashier sees it", async () => {
  const { counter, sounds } = await openApp(door);
  door.down = true;
  counter.read(qrOf(1));
  await shows(counter, "basket");
  assert.equal(counter.state.reachable, false);
  assert.equal(said(counter.state.stage), "basket");
  assert.deepEqual(counter.state.basket.map(({ looked, offline }) => [looked.balance_cents, looked.serial, offline]), [[1000, null, true]]);

  const strict: unknown[] = [];
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (names, mode, options) {
    if (mode === "readwrite") strict.push(options?.durability);
    const begun = transaction.call(this, names, mode, options);
    begun.addEventListener("complete", () => assert.notEqual(said(counter.state.stage), "offline", "written first"));
    return begun;
  };
  await counter.redeem();
  IDBDatabase.prototype.transaction = transaction;
  assert.deepEqual(strict, ["strict"], "in one transaction");
  assert.equal(said(counter.state.stage), "offline");
  assert.ok(sounds.includes("offline") && !sounds.includes("accepted"), "never green");
  assert.equal((await queueShelf.all()).entries[0]?.code, codeOf(1));
  const { count, cents, sinceMs } = counter.state.queue;
  assert.deepEqual([count, cents, sinceMs], [1, 1000, NOON]);
  assert.ok(!counter.idle);

  await counter.dismiss();
  clock.ms += 10_000;
  counter.read(qrOf(1));
  await shows(counter, "offline_queued");
});

test("a customer waits three seconds for a network that does not answer, and the next one not at all", async () => {
  const { counter } = await openApp(door);
  door.slow = true;
  const begun = performance.now();
  await counter.lookUp({ code: codeOf(1) });
  assert.equal(said(counter.state.stage), "basket");
  assert.ok(performance.now() - begun < 3500);
  await counter.lookUp({ code: codeOf(2) });
  assert.ok(performance.now() - begun < 3500);
  assert.deepEqual(counter.state.basket.map(({ offline }) => offline), [true, true]);
});

test("the network is back: what waited is sent by itself and counts into the day", async () => {
  const { counter } = await openApp(door);
  door.down = true;
  counter.read(qrOf(1));
  await shows(counter, "basket");
  await counter.redeem();
  await counter.dismiss();
  door.down = false;
  door.rules = { today: { count: 1, cents: 1000 } } as never;
  await counter.beat();
  await until(() => counter.idle && counter.state.today?.count === 1);
  assert.equal(counter.state.reachable, true);
  assert.equal(counter.state.queue.count, 0);
  assert.deepEqual(counter.state.today, { count: 1, cents: 1000 });
  assert.ok(counter.idle);
});

test("the phone cannot write: the cashier is told, and nothing is taken", async () => {
  const { counter } = await openApp(door);
  door.down = true;
  counter.read(qrOf(1));
  await shows(counter, "basket");
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (names, mode, options) {
    if (mode === "readwrite") throw new DOMException("disk full", "QuotaExceededError");
    return transaction.call(this, names, mode, options);
  };
  await counter.redeem();
  IDBDatabase.prototype.transaction = transaction;
  assert.equal(said(counter.state.stage), "broken");
  assert.deepEqual((await queueShelf.all()).entries, []);
  assert.equal(counter.state.queue.count, 0);
});

test("a redemption that was sent and lost its answer stays a question; its voucher is not taken in amber meanwhile", async () => {
  const { counter } = await openApp(door);
  counter.read(qrOf(1));
  await shows(counter, "basket");
  door.mute = true;
  await counter.redeem();
  assert.equal(said(counter.state.stage), "asking");
  assert.equal((await queueShelf.all()).entries.length, 0);
  counter.putAside();
  door.mute = false;
  door.down = true;
  clock.ms += 10_000;
  counter.read(qrOf(2));
  await shows(counter, "basket", "the next customer is served");
  counter.giveUp();
  clock.ms += 10_000;
  counter.read(qrOf(1));
  await shows(counter, "offline_unsure");
  assert.equal(new Set((await outboxShelf.all()).map(({ key }) => key)).size, 1);
});

test("an answer that came while another customer was served counts before anybody has seen it", async () => {
  const { counter } = await openApp(door);
  counter.read(qrOf(1));
  await shows(counter, "basket");
  door.mute = true;
  await counter.redeem();
  counter.putAside();
  door.mute = false;
  counter.read(qrOf(2));
  await shows(counter, "basket");
  counter.sendNow();
  await until(() => counter.state.waiting[0]?.entry.outcome);
  assert.equal(counter.state.waiting[0]?.entry.outcome?.accepted, true);
  assert.equal(said(counter.state.stage), "basket");
  counter.addAnother();
  door.down = true;
  clock.ms += 10_000;
  counter.read(qrOf(1));
  await shows(counter, "offline_unsure");
});

test("a voucher just taken online is not taken again by the list, which does not know yet", async () => {
  const { counter } = await openApp(door);
  counter.read(qrOf(1));
  await shows(counter, "basket");
  await counter.redeem();
  await shows(counter, "accepted");
  await counter.dismiss();
  door.down = true;
  clock.ms += 10_000;
  counter.read(qrOf(1));
  await shows(counter, "offline_queued");
});

test("without a list, or typed, the cashier is asked to wait for the network", async () => {
  door.offline = false;
  const { counter } = await openApp(door);
  door.down = true;
  counter.read(qrOf(1));
  await shows(counter, "silent");
  door.down = false;
  door.offline = true;
  await counter.dismiss();
  await counter.wake();
  door.down = true;
  await counter.lookUp({ serial: 1, control_code: "ABCDE2345E" });
  assert.equal(said(counter.state.stage), "silent");
});

test("opened again without network after a day, it refuses by its old list, and says why", async () => {
  await openApp(door);
  door.down = true;
  clock.ms = NOON + 25 * 3_600_000;
  const { counter } = await openApp(door);
  counter.read(qrOf(1));
  await shows(counter, "offline_stale");
});

test("a till that was revoked sends what it took before it says so", async () => {
  const { counter, offline } = await openApp(door);
  door.down = true;
  counter.read(qrOf(1));
  await shows(counter, "basket");
  await counter.redeem();
  await counter.dismiss();
  door.down = false;
  door.judge = () => ({ outcome: "disputed", reason: "till_revoked", dispute: 1 });
  door.refusals.set("/api/v1/till", { reason: "till_revoked", status: 401 });
  await counter.wake();
  await shows(counter, "revoked");
  assert.equal(offline.queue.count, 0);
});

test("undoing with the wrong PIN leaves the redemption, and asks again under another key", async () => {
  door.rules = { undo_pin: true };
  const { counter } = await openApp(door);
  door.refusals.set("/api/v1/till/redemptions/1/reversal", { reason: "pin_wrong", status: 403 });
  counter.askUndo(1, 1000, [1]);
  await counter.undo("0000");
  await shows(counter, "undo");
  const { stage } = counter.state;
  assert.equal(stage.at === "undo" && stage.problem?.reason, "pin_wrong");
  assert.deepEqual(await outboxShelf.all(), []);
  door.refusals.clear();
  await counter.undo("1234");
  assert.equal(said(counter.state.stage), "undone");
  const sent = door.heard.filter(({ path }) => path.endsWith("/reversal")).map(({ body }) => body["pin"]);
  assert.deepEqual(sent, ["0000", "1234"]);
});

test("where the shop asks who sells, nobody takes a voucher before signing on, and ten idle minutes sign off", async () => {
  const salt = Buffer.from("salt of the till").toString("base64url");
  const hash = pbkdf2Sync("4821", "salt of the till", 1000, 32, "sha256").toString("base64url");
  door.rules = { ask_cashier: "always", cashiers: [{ id: 4, name: "Paul", salt, iterations: 1000, hash }] };
  const { counter } = await openApp(door);
  const paul = counter.state.rules.cashiers[0]!;
  assert.equal(said(counter.state.stage), "cashier");
  assert.match((await counter.signOn(paul, "0000")) ?? "", /4/);
  assert.equal(await counter.signOn(paul, "4821"), null);
  counter.read(qrOf(1));
  await shows(counter, "basket");
  clock.ms += 660_000;
  await counter.beat();
  assert.equal(said(counter.state.stage), "cashier");
  assert.equal(counter.state.cashier, null);
  await counter.signOn(paul, "4821");
  assert.equal(said(counter.state.stage), "basket", "the customer's voucher is still there");
  await counter.redeem();
  assert.equal(door.heard.find(({ path }) => path.endsWith("/redemptions"))?.body["cashier"], 4);
});

test("five wrong tries close a cashier's name for five minutes, also for who closes the app and opens it again", async () => {
  const salt = Buffer.from("salt of the till").toString("base64url");
  const hash = pbkdf2Sync("4821", "salt of the till", 1000, 32, "sha256").toString("base64url");
  door.rules = { cashiers: [{ id: 4, name: "Paul", salt, iterations: 1000, hash }] };
  const first = await openApp(door);
  const paul = first.counter.state.rules.cashiers[0]!;
  for (let turn = 0; turn < 5; turn += 1) await first.counter.signOn(paul, "0000");
  const { counter } = await openApp(door);
  assert.notEqual(await counter.signOn(paul, "4821"), null);
  clock.ms -= 24 * HOUR;
  assert.notEqual(await counter.signOn(paul, "4821"), null, "five minutes, whatever the clock was");
  clock.ms += 300_000;
  assert.equal(await counter.signOn(paul, "4821"), null);
  assert.equal(counter.state.cashier?.name, "Paul");
});

test("in training a false voucher is good once, then used, and nothing is sent or kept; a real one is refused", async () => {
  const { counter } = await openApp(door);
  const before = door.heard.length;
  counter.train(true);
  const qr = "HTTPS://CHEQUES.EXAMPLE.FR/TILL/#TRAINING-1000-7";
  counter.read(qr);
  await shows(counter, "basket");
  assert.equal(counter.state.basket[0]?.looked.balance_cents, 1000);
  await counter.redeem();
  assert.equal(said(counter.state.stage), "accepted");
  await counter.dismiss();
  clock.ms += 10_000;
  counter.read(qr);
  await shows(counter, "already_redeemed");
  await counter.dismiss();
  counter.askUndo(-1, 1000, [7]);
  await counter.undo();
  assert.equal(said(counter.state.stage), "undone");
  await counter.dismiss();
  clock.ms += 10_000;
  counter.read(qr);
  await shows(counter, "basket");
  counter.giveUp();
  counter.read(qrOf(1));
  await shows(counter, "training_real");
  assert.equal(door.heard.length, before);
  assert.deepEqual([await outboxShelf.all(), (await queueShelf.all()).entries], [[], []]);

  counter.train(false);
  clock.ms += 10_000;
  counter.read(qr);
  await shows(counter, "foreign");
  const { stage } = counter.state;
  assert.equal(stage.at === "verdict" && stage.verdict.tone === "foreign" && stage.verdict.what, "training");
});

test("another tab takes over: this one serves nobody and sends nothing more", async () => {
  const { counter } = await openApp(door);
  counter.leave();
  const before = door.heard.length;
  counter.read(qrOf(1));
  await settle();
  await counter.wake();
  await counter.beat();
  assert.equal(said(counter.state.stage), "elsewhere");
  assert.equal(door.heard.length, before);
});

test("a voucher whose redemption has no answer yet is not asked for twice, even where only a part of it is taken", async () => {
  door.wholeUse = false;
  const { counter } = await openApp(door);
  counter.read(qrOf(1));
  await shows(counter, "basket");
  counter.setSale(400);
  door.mute = true;
  await counter.redeem();
  await shows(counter, "asking");
  counter.putAside();
  door.mute = false;
  clock.ms += 10_000;
  counter.read(qrOf(1));
  await shows(counter, "asking", "the same question");
  assert.deepEqual(counter.state.basket, []);
  assert.equal((await outboxShelf.all()).length, 1);
});

test("a paper that waits in the phone's own queue is refused, though the server would call it good", async () => {
  const { counter } = await openApp(door);
  door.down = true;
  counter.read(qrOf(1));
  await shows(counter, "basket");
  await counter.redeem();
  await counter.dismiss();
  door.down = false;
  door.refusals.set("/api/v1/till/acceptances", { reason: "too_many_attempts", status: 429 });
  await counter.wake();
  assert.ok(counter.state.reachable);
  const asked = door.heard.length;
  clock.ms += 10_000;
  counter.read(qrOf(1));
  await shows(counter, "offline_queued");
  assert.ok(!door.heard.slice(asked).some(({ path }) => path.endsWith("/look-up")));
});

test("the sale of a customer whose only voucher was refused is not the next customer's", async () => {
  door.wholeUse = false;
  const { counter } = await openApp(door);
  await counter.lookUp({ code: codeOf(1) });
  counter.setSale(400);
  door.refusals.set("/api/v1/till/redemptions", { reason: "already_redeemed", status: 409, serial: 1 });
  await counter.redeem();
  await shows(counter, "already_redeemed");
  await counter.dismiss();
  door.refusals.clear();
  await counter.lookUp({ code: codeOf(2) });
  assert.equal(counter.state.saleCents, null);
});

test("a real redemption is undone by the server, or not at all: never by the training alone", async () => {
  const { counter } = await openApp(door);
  counter.train(true);
  door.refusals.set("/api/v1/till/redemptions/1234/reversal", { reason: "too_late", status: 409 });
  counter.askUndo(1234, 1000, [55]);
  await counter.undo();
  await shows(counter, "too_late");
  assert.ok(door.heard.some(({ path }) => path.endsWith("/1234/reversal")));
});

test("the owner's digits lie on the phone no longer than the undoing may be asked again", async () => {
  const { counter } = await openApp(door);
  const kept = async (): Promise<string> => JSON.stringify(await outboxShelf.all());
  door.mute = true;
  counter.askUndo(1, 1000, [1]);
  await counter.undo("4821");
  door.mute = false;
  counter.sendNow();
  await shows(counter, "undone");
  const sent = door.heard.filter(({ path }) => path.endsWith("/reversal")).map(({ body }) => body["pin"]);
  assert.deepEqual(sent, ["4821", "4821"], "one key, one body");
  assert.ok(!(await kept()).includes("4821"));

  await counter.dismiss();
  door.down = true;
  counter.askUndo(1, 1000, [1]);
  await counter.undo("4821");
  assert.ok((await kept()).includes("4821"));
  await pairing.keep(await tillOf(8));
  await openApp(door);
  assert.ok(!(await kept()).includes("4821"), "it is another till now");
  assert.ok((await kept()).includes("reversal"), "what was never answered is still read out");
});

test("of a basket the voucher that cannot be taken without network is named and leaves it; the others stay", async () => {
  const { counter, offline } = await openApp(door);
  door.down = true;
  for (const number of [1, 2, 3]) await counter.lookUp({ code: codeOf(number) });
  await offline.took([codeOf(2)]);
  await counter.redeem();
  await shows(counter, "offline_queued");
  const { stage } = counter.state;
  assert.match(String(stage.at === "verdict" && stage.verdict.tone === "refused" && stage.verdict.culprit), /2/);
  await counter.dismiss();
  assert.equal(said(counter.state.stage), "basket");
  assert.deepEqual(counter.state.basket.map(({ voucher }) => "code" in voucher && voucher.code), [codeOf(1), codeOf(3)]);
  await counter.redeem();
  assert.equal(said(counter.state.stage), "offline");
});

test("an answer that is none of our server's leaves the voucher unchecked, never the cashier waiting", async () => {
  door.offline = false;
  const { counter } = await openApp(door);
  const { fetch } = globalThis;
  for (const body of [null, {}]) {
    globalThis.fetch = (async () => Response.json(body)) as typeof fetch;
    await counter.lookUp({ code: codeOf(1) });
    assert.equal(said(counter.state.stage), "silent");
  }
  globalThis.fetch = fetch;
});

test("a till revoked while its queue is being sent does not stop the till that the phone is meanwhile", async () => {
  const { counter } = await openApp(door);
  door.down = true;
  await counter.lookUp({ code: codeOf(1) });
  await counter.redeem();
  await counter.dismiss();
  door.down = false;
  door.refusals.set("/api/v1/till", { reason: "till_revoked", status: 401 });
  const release = door.hold("/api/v1/till/acceptances");
  await counter.wake();
  await until(() => door.heard.some(({ path }) => path.endsWith("/acceptances")));
  const paired = await tillOf(8);
  await pairing.keep(paired);
  counter.client.till = paired;
  counter.backToCounter();
  door.refusals.clear();
  release();
  await until(() => counter.state.queue.count === 0);
  await settle();
  assert.equal(said(counter.state.stage), "counter");
});

test("what ends after another tab took over shows nothing here, until this one is the till again", async () => {
  const { counter } = await openApp(door);
  door.down = true;
  await counter.lookUp({ code: codeOf(1) });
  const taking = counter.redeem();
  counter.leave();
  await taking;
  assert.equal(said(counter.state.stage), "elsewhere");
  counter.resume();
  assert.equal(said(counter.state.stage), "counter");
});

test("a write that came through though the phone said no is taken back: nothing was taken, also after the next opening", async () => {
  const { counter } = await openApp(door);
  await counter.lookUp({ code: codeOf(1) });
  const { put } = outboxShelf;
  outboxShelf.put = async (entry) => {
    await put(entry);
    throw new Error("connection lost");
  };
  await counter.redeem();
  outboxShelf.put = put;
  assert.equal(said(counter.state.stage), "broken");
  await openApp(door);
  assert.ok(!door.heard.some(({ path }) => path.endsWith("/redemptions")));
});

test("the owner's corner closes ten minutes after the last touch, also where nobody signs on", async () => {
  const { counter } = await openApp(door);
  counter.show("owner");
  clock.ms += 590_000;
  counter.touch();
  clock.ms += 590_000;
  await counter.beat();
  assert.equal(said(counter.state.stage), "owner", "somebody types");
  clock.ms += 20_000;
  await counter.beat();
  assert.equal(said(counter.state.stage), "counter");
});

test("a voucher scanned while the till is still opening is looked up once it is open", async () => {
  const { counter } = await openApp(door, (opening) => opening.read(qrOf(1)));
  await shows(counter, "basket");
});
