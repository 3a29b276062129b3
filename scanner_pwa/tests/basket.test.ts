import assert from "node:assert/strict";
import { test } from "node:test";
import { redemptionBody, taken, total, type Line } from "../src/basket.ts";

function line(serial: number, cents: number): Line {
  return {
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
    redemptionBody(lines, 1200),
    '{"vouchers":[{"code":"CODE1","cents":null},{"code":"CODE2","cents":null},{"code":"CODE3","cents":null}],"sale_cents":1200}',
  );
});

test("where a part may be used, no more than the sale is taken and unneeded vouchers stay whole", () => {
  const lines = taken(BASKET, 1200, false);
  assert.equal(total(lines), 1200);
  assert.equal(redemptionBody(lines, 1200), '{"vouchers":[{"code":"CODE1","cents":null},{"code":"CODE2","cents":200}],"sale_cents":1200}');
});

test("without a sale total everything is taken", () => {
  assert.equal(total(taken(BASKET, null, false)), 2500);
});
