import assert from "node:assert/strict";
import { test } from "node:test";
import { controlCodeFromText, pairingCodeFromText, readQr, serialFromText } from "../src/qr_text.ts";

const HOST = "CHEQUES.EXAMPLE.FR";
const CODE = "ABCDEFGHIJKLMNOPQRSTUVWX2A";

test("a voucher of this programme is read, in any case", () => {
  assert.deepEqual(readQr(`HTTPS://${HOST}/#${CODE}`, HOST), { kind: "voucher", code: CODE });
  assert.deepEqual(readQr(`https://cheques.example.fr/#${CODE.toLowerCase()}`, HOST), { kind: "voucher", code: CODE });
});

test("a menu, another programme and a broken code are not ours", () => {
  const foreign = [
    "https://menu.example.com/", "BONJOUR", `HTTPS://AUTRE.EXAMPLE.FR/#${CODE}`, `HTTPS://${HOST}/#${CODE}A`,
    `HTTP://${HOST}/#${CODE}`, `HTTPS://${HOST}/#${CODE.slice(0, 25)}1`,
  ];
  for (const text of foreign) assert.deepEqual(readQr(text, HOST), { kind: "foreign" }, text);
});

test("a code whose spare bits are set would be a second text of the same voucher, and is refused", () => {
  assert.deepEqual(readQr(`HTTPS://${HOST}/#${CODE.slice(0, 25)}B`, HOST), { kind: "foreign" });
});

test("the pairing letter is read on a phone that knows no programme yet", () => {
  assert.deepEqual(readQr(`HTTPS://${HOST}/TILL/#ABCDE2345E`, ""), { kind: "pairing", pairingCode: "ABCDE2345E" });
  assert.deepEqual(readQr(`HTTPS://${HOST}/TILL/#ABC`, ""), { kind: "foreign" });
});

test("typed codes are taken with spaces, dashes and small letters", () => {
  assert.equal(pairingCodeFromText(" abcde-2345e "), "ABCDE2345E");
  assert.equal(controlCodeFromText("abcde 2345e"), "ABCDE2345E");
  assert.equal(serialFromText("0004217"), 4217);
});

test("a slip in a control code is seen on the phone, before the server counts it as a guess", () => {
  assert.equal(controlCodeFromText("9ZK4TQW7X8"), "9ZK4TQW7X8");
  assert.equal(controlCodeFromText("9ZK4TQW7X9"), null);
  assert.equal(controlCodeFromText("9ZK4TQ7WX8"), null);
  assert.equal(controlCodeFromText("ABCDE2345O"), null);
  assert.equal(serialFromText("0"), null);
});

test("a training voucher of this programme is known as one, another programme's is not", () => {
  assert.deepEqual(readQr(`HTTPS://${HOST}/TILL/#TRAINING-1000-7`, HOST), { kind: "training", code: "TRAINING-1000-7" });
  for (const text of ["HTTPS://AUTRE.EXAMPLE.FR/TILL/#TRAINING-1000-7", `HTTPS://${HOST}/TILL/#TRAINING-0-7`, `HTTPS://${HOST}/#TRAINING-1000-7`]) {
    assert.deepEqual(readQr(text, HOST), { kind: "foreign" }, text);
  }
});
