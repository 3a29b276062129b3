import assert from "node:assert/strict";
import { test } from "node:test";
import { has, redemptionBody, taken, total, type Line } from "../src/basket.ts";

function line(serial: number, cents: number): Line {
  return {
    offline: false,
    voucher: { code: `CODE${serial}` },
    looked: {
      serial, face_cents: cents, balance_cents: cents, state: "active", expires_on: "2027-06-30", spendable: true, refusal: null,
    },
  };
}

const BASKET = [line(1, 1000), line(2, 1000), line(3, 500)];

test("a whole-use programme takes every voucher whole, whatever the sale", () => {
  const lines = taken(BASKET, 1200, true);
  assert.equal(total(lines), 2500);
  assert.equal(
    redemptionBody(lines, 1200, null),
    '{"vouchers":[{"code":"CODE1","cents":null},{"code":"CODE2","cents":null},{"code":"CODE3","cents":null}],"sale_cents":1200}',
  );
});

test("where a part may be used, no more than the sale is taken and unneeded vouchers stay whole", () => {
  const lines = taken(BASKET, 1200, false);
  assert.equal(total(lines), 1200);
  assert.equal(redemptionBody(lines, 1200, null), '{"vouchers":[{"code":"CODE1","cents":null},{"code":"CODE2","cents":200}],"sale_cents":1200}');
});

test("without a sale total everything is taken", () => {
  assert.equal(total(taken(BASKET, null, false)), 2500);
});

test("who stood at the till goes with the redemption", () => {
  assert.equal(redemptionBody(taken(BASKET.slice(2), null, true), null, 4), '{"vouchers":[{"code":"CODE3","cents":null}],"sale_cents":null,"cashier":4}');
});

test("the same paper is in the basket once, whether the server or the list on the phone judged it", () => {
  const judged: Line = { ...line(1, 1000), offline: true, looked: { ...line(1, 1000).looked, serial: null } };
  assert.ok(has(BASKET, judged));
  assert.ok(!has(BASKET, { ...judged, voucher: { code: "CODE9" } }));
  assert.ok(has(BASKET, { ...line(2, 1000), voucher: { serial: 2, control_code: "ABCDE2345E" } }));
});
