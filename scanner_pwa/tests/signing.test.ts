import assert from "node:assert/strict";
import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import * as signing from "../src/signing.ts";

const LOOK_UP = {
  method: "POST", path: "/api/v1/till/look-up", timeMs: 1795294235123, nonce: "AAECAwQFBgcICQoLDA0ODw", idempotencyKey: "",
  body: '{"voucher":{"serial":123,"control_code":"ABCDE2345E"}}',
} as const;

test("six lines are signed, in the order of the contract", async () => {
  assert.equal(
    await signing.sixLines(LOOK_UP),
    "POST\n/api/v1/till/look-up\n1795294235123\nAAECAwQFBgcICQoLDA0ODw\n\n"
      + createHash("sha256").update(LOOK_UP.body).digest("hex"),
  );
});

test("an empty body has the hash of nothing, and a key its own line", async () => {
  assert.equal(
    await signing.sixLines({ ...LOOK_UP, method: "GET", path: "/api/v1/till?a=1", idempotencyKey: "k-1", body: "" }),
    "GET\n/api/v1/till?a=1\n1795294235123\nAAECAwQFBgcICQoLDA0ODw\nk-1\n"
      + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

test("pairing signs the code, the key and the name", () => {
  assert.equal(signing.pairingLines("ABCDE2345E", "BKey", "Téléphone de Paul"), "pair\nABCDE2345E\nBKey\nTéléphone de Paul");
});

test("another library accepts the signature: raw r||s over UTF-8, the point uncompressed", async () => {
  const keys = await signing.newKeyPair();
  const point = Buffer.from(await signing.publicKeyText(keys.publicKey), "base64url");
  assert.equal(point.length, 65);
  assert.equal(point[0], 4);
  const signature = Buffer.from(await signing.sign(keys.privateKey, "pair\nété"), "base64url");
  assert.equal(signature.length, 64);
  const key = createPublicKey({
    format: "jwk",
    key: { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") },
  });
  assert.ok(verify("sha256", Buffer.from("pair\nété"), { key, dsaEncoding: "ieee-p1363" }, signature));
});

test("the private key cannot leave the phone", async () => {
  const { privateKey } = await signing.newKeyPair();
  assert.equal(privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("jwk", privateKey));
});

test("keys and nonces have the form the server expects", () => {
  assert.match(signing.newIdempotencyKey(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(Buffer.from(signing.newNonce(), "base64url").length, 16);
});

test("a phone that keeps no key signs with its secret, as another library does", async () => {
  const secret = signing.newSecret();
  assert.equal(secret.length, 32);
  assert.equal(await signing.sign(secret, "pair\nété"), createHmac("sha256", secret).update("pair\nété").digest("base64url"));
});
