// The outbox on a real IndexedDB engine (in memory), with a server that behaves as badly as networks do.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { NoAnswer, Outbox, type Answer, type Entry } from "../src/outbox.ts";
import { outboxShelf } from "../src/storage.ts";

const TILL = 7;
const RECEIPT: Answer = { ok: true, receipt: { redemption: 991, cents: 1000 } };

function entry(key = "key-1", tillId = TILL): Entry {
  return {
    key, tillId, kind: "redemption", path: "/api/v1/till/redemptions", body: '{"vouchers":[],"sale_cents":null}',
    cents: 1000, serials: [12], madeAtMs: 1, outcome: null,
  };
}

function refusal(reason: string, status: number): Answer {
  return { ok: false, problem: { reason, title: "", detail: "", status } };
}

/** An outbox whose server gives these answers in turn, and the requests that reached it. */
function outboxWith(...answers: (Answer | NoAnswer)[]): { outbox: Outbox; sent: Entry[]; pauses: number[] } {
  const sent: Entry[] = [];
  const pauses: number[] = [];
  const outbox = new Outbox({
    shelf: outboxShelf,
    send: async (one) => {
      assert.ok((await outboxShelf.all()).some(({ key }) => key === one.key), "written down before it is sent");
      sent.push(one);
      const answer = answers.shift() ?? new NoAnswer();
      if (answer instanceof NoAnswer) throw answer;
      return answer;
    },
    now: () => 0,
    later: (_job, ms) => {
      pauses.push(ms);
      return () => undefined;
    },
  });
  return { outbox, sent, pauses };
}

beforeEach(async () => {
  for (const { key } of await outboxShelf.all()) await outboxShelf.remove(key);
});

test("a redemption is on the phone before it is sent, and until its answer was seen", async () => {
  const { outbox } = outboxWith(RECEIPT);
  await outbox.write(entry());
  await outbox.ask("key-1");
  assert.deepEqual((await outboxShelf.all())[0]?.outcome, { accepted: true, receipt: { redemption: 991, cents: 1000 } });
  await outbox.seen("key-1");
  assert.deepEqual(await outboxShelf.all(), []);
});

test("without an answer the same key and the same bytes are sent again, after longer and longer pauses", async () => {
  const { outbox, sent, pauses } = outboxWith(new NoAnswer(), new NoAnswer(), new NoAnswer(), RECEIPT);
  await outbox.write(entry());
  for (let turn = 0; turn < 4; turn += 1) await outbox.ask("key-1");
  assert.deepEqual(new Set(sent.map(({ key, body }) => `${key} ${body}`)).size, 1);
  assert.equal(sent.length, 4);
  assert.deepEqual(pauses, [1000, 2000, 3000]);
  assert.equal(outbox.entries[0]?.entry.outcome?.accepted, true);
});

test("after a crash the next session asks first about what was left", async () => {
  const before = outboxWith(new NoAnswer());
  await before.outbox.write(entry());
  await before.outbox.ask("key-1");
  const after = outboxWith(RECEIPT);
  const settled = new Promise<void>((resolve) => {
    after.outbox.onChange((waiting) => { if (waiting[0]?.entry.outcome) resolve(); });
  });
  await after.outbox.open(TILL);
  await settled;
  assert.deepEqual(after.sent.map(({ key }) => key), ["key-1"]);
});

test("an answered question is never asked again", async () => {
  const { outbox, sent } = outboxWith(refusal("already_redeemed", 409));
  await outbox.write(entry());
  await outbox.ask("key-1");
  await outbox.ask("key-1");
  assert.equal(sent.length, 1);
});

test("two taps are one request", async () => {
  const { outbox, sent } = outboxWith(RECEIPT, RECEIPT);
  await outbox.write(entry());
  await Promise.all([outbox.ask("key-1"), outbox.ask("key-1")]);
  assert.equal(sent.length, 1);
});

test("a revoked till is a clear no at the first try, but says nothing about an earlier one", async () => {
  const first = outboxWith(refusal("till_revoked", 401));
  await first.outbox.write(entry());
  await first.outbox.ask("key-1");
  assert.equal(first.outbox.entries[0]?.entry.outcome?.accepted, false);

  const second = outboxWith(new NoAnswer(), refusal("till_revoked", 401));
  await second.outbox.write(entry("key-2"));
  await second.outbox.ask("key-2");
  await second.outbox.ask("key-2");
  assert.equal(second.outbox.entries[0]?.entry.outcome, null);
});

test("a voucher's refusal is definite even after a lost answer: the server remembers the key", async () => {
  const { outbox } = outboxWith(new NoAnswer(), refusal("voucher_expired", 409));
  await outbox.write(entry());
  await outbox.ask("key-1");
  await outbox.ask("key-1");
  assert.equal(outbox.entries[0]?.entry.outcome?.accepted, false);
});

test("the server's own pause is kept to", async () => {
  const { outbox, pauses } = outboxWith(new NoAnswer(7000));
  await outbox.write(entry());
  await outbox.ask("key-1");
  assert.deepEqual(pauses, [7000]);
});

test("a phone paired anew never sends the requests of the till it was", async () => {
  const { outbox } = outboxWith();
  await outbox.write(entry("old", 3));
  const renewed = outboxWith(RECEIPT);
  await renewed.outbox.open(TILL);
  assert.deepEqual(renewed.outbox.entries, []);
  assert.deepEqual((await renewed.outbox.left(TILL)).map(({ key }) => key), ["old"]);
});

test("what could not be written down is not sent", async () => {
  const { sent } = outboxWith(RECEIPT);
  const full = new Outbox({
    shelf: { ...outboxShelf, put: () => Promise.reject(new Error("disk full")) },
    send: async (one) => { sent.push(one); return RECEIPT; },
    now: () => 0,
    later: () => () => undefined,
  });
  await assert.rejects(full.write(entry()));
  await full.ask("key-1");
  assert.equal(sent.length, 0);
});

test("a redemption written while the phone is still being read is not forgotten", async () => {
  await outboxShelf.put(entry("old"));
  let goOn = (): void => undefined;
  const read = new Promise<void>((resolve) => { goOn = resolve; });
  const outbox = new Outbox({
    shelf: { ...outboxShelf, all: async () => { const kept = await outboxShelf.all(); await read; return kept; } },
    send: () => Promise.reject(new NoAnswer()),
    now: () => 0,
    later: () => () => undefined,
  });
  const opening = outbox.open(TILL);
  await outbox.write(entry("new"));
  goOn();
  await opening;
  assert.deepEqual(outbox.entries.map((one) => one.entry.key), ["old", "new"]);
});
