import assert from "node:assert/strict";
import { test } from "node:test";
import { applied, digestOf, find, isYoung, opened, type Held } from "../src/snapshot.ts";
import { codeOf, HOUR, listOf, NOON, ProgrammeKey, rows } from "./makers.ts";

const at = (hours: number): string => new Date(NOON + hours * HOUR).toISOString();

async function says(held: Held, number: number): Promise<string> {
  const known = find(held, await digestOf(held, codeOf(number)));
  return known ? `${known.cents} until ${known.expires_on}` : "unknown or spent";
}

test("a list that the programme did not sign is not read", async () => {
  const ours = new ProgrammeKey();
  const signed = ours.signed(listOf([1]));
  assert.equal((await opened(signed, ours.shown))?.version, "v1");
  assert.equal(await opened(signed, new ProgrammeKey().shown), null);
  assert.equal(await opened({ ...signed, snapshot: signed.snapshot.replace("30000", "90000") }, ours.shown), null);
});

test("every voucher of 2 000 is found with its value and day, and no other", async () => {
  const numbers = Array.from({ length: 2000 }, (_, number) => number);
  const classes = [{ cents: 1000, expires_on: "2027-06-30" }, { cents: 2500, expires_on: "2026-12-31" }];
  const held = applied(null, listOf([], { classes, put: rows(numbers, (number) => number % 2) }), 1)!;
  for (const number of [0, 1, 2, 777, 1998, 1999]) {
    assert.equal(await says(held, number), number % 2 ? "2500 until 2026-12-31" : "1000 until 2027-06-30");
  }
  for (const number of [2000, 9999, 12345]) assert.equal(await says(held, number), "unknown or spent");
});

test("a change takes out what was spent and puts in what is new, by its own numbering of values", async () => {
  const first = applied(null, listOf([1, 2, 3]), 1)!;
  const change = listOf([], {
    version: "v2", since: "v1", at: at(1), classes: [{ cents: 2000, expires_on: "2027-06-30" }, { cents: 1000, expires_on: "2027-06-30" }],
    drop: rows([1, 3], null), put: rows([3, 4], (number) => (number === 3 ? 1 : 0)),
  });
  const second = applied(first, change, 1)!;
  assert.equal(await says(second, 1), "unknown or spent");
  assert.equal(await says(second, 2), "1000 until 2027-06-30");
  assert.equal(await says(second, 3), "1000 until 2027-06-30");
  assert.equal(await says(second, 4), "2000 until 2027-06-30");
  assert.equal(second.prefixes.length, 3);
});

test("a list of another programme, an older one, and a change of what is not held are refused", () => {
  const held = applied(null, listOf([1]), 1)!;
  assert.equal(applied(held, listOf([1], { programme_id: 2 }), 1), null);
  assert.equal(applied(held, listOf([1], { at: at(-1) }), 1), null);
  assert.equal(applied(held, listOf([1], { at: "soon" }), 1), null);
  assert.equal(applied(held, listOf([], { since: "v0", at: at(1) }), 1), null);
  assert.equal(applied(null, listOf([], { since: "v1" }), 1), null);
});

test("a list is good for as long as it says, and for no time at all on a clock set back", () => {
  const held = applied(null, listOf([1]), 1)!;
  assert.ok(isYoung(held, NOON + 24 * HOUR));
  assert.ok(!isYoung(held, NOON + 24 * HOUR + 1));
  assert.ok(!isYoung(held, NOON - HOUR));
});

test("when nothing changed only the date, the version and the limits are new", async () => {
  const held = applied(null, listOf([1, 2]), 1)!;
  const later = applied(held, listOf([], { version: "v2", since: "v1", at: at(1), most_count: 7, max_age_minutes: 60 }), 1)!;
  assert.deepEqual([later.version, later.mostCount, later.mostAgeMs, later.atMs], ["v2", 7, HOUR, NOON + HOUR]);
  assert.equal(await says(later, 2), "1000 until 2027-06-30");
});
