import assert from "node:assert/strict";
import { test } from "node:test";
import { centsFromText, euros } from "../src/money.ts";

test("ten euros are said without cents, half euros with two", () => {
  assert.equal(euros(1000, "fr-FR"), "10\u00a0€");
  assert.equal(euros(1050, "fr-FR"), "10,50\u00a0€");
  assert.equal(euros(5, "en-GB"), "€0.05");
  assert.equal(euros(-1000, "fr-FR"), "−10\u00a0€");
});

test("large amounts are grouped as each language does", () => {
  assert.equal(euros(123456789, "en-GB"), "€1,234,567.89");
  assert.match(euros(123456700, "fr-FR"), /^1\s234\s567\u00a0€$/);
});

test("a typed amount is whole cents, with comma or point", () => {
  assert.equal(centsFromText("23,5"), 2350);
  assert.equal(centsFromText(" 23.05 €"), 2305);
  assert.equal(centsFromText("1 234"), 123400);
});

test("what is no amount is not guessed at", () => {
  for (const text of ["", "12,345", "-3", "douze", "1,2,3"]) assert.equal(centsFromText(text), null, text);
});
