import assert from "node:assert/strict";
import { test } from "node:test";
import { Sight } from "../src/sight.ts";

test("a paper lying under the camera is read once, however long it lies", () => {
  const sight = new Sight();
  const reads = [0, 1000, 2500, 5000, 7900, 10000].filter((at) => sight.isNew("A", at));
  assert.deepEqual(reads, [0]);
});

test("out of view for three seconds, it is a new read", () => {
  const sight = new Sight();
  assert.ok(sight.isNew("A", 0));
  assert.ok(!sight.isNew("A", 2999));
  assert.ok(sight.isNew("A", 6000));
});

test("a different voucher is never swallowed", () => {
  const sight = new Sight();
  assert.ok(sight.isNew("A", 0));
  assert.ok(sight.isNew("B", 10));
  assert.ok(!sight.isNew("A", 20));
});

test("back from the verdict, the paper that stayed under the camera is not read again", () => {
  const sight = new Sight();
  sight.isNew("A", 0);
  sight.resume(2900);
  assert.ok(!sight.isNew("A", 5000));
});

test("a given-up voucher may be shown again without moving it", () => {
  const sight = new Sight();
  sight.isNew("A", 0);
  sight.release(500);
  assert.ok(!sight.isNew("A", 3000));
  assert.ok(sight.isNew("A", 3600));
});

test("a clock that was set back does not make a voucher invisible for a day", () => {
  const sight = new Sight();
  sight.isNew("A", 86_400_000);
  assert.ok(sight.isNew("A", 60_000));
});
