// What the phone keeps, and what it does when it may keep nothing.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { beforeEach, test } from "node:test";
import { enrol } from "../src/enrolment.ts";
import type { Entry } from "../src/outbox.ts";
import { outboxShelf, pairing, queueShelf, StorageRefused, type Till } from "../src/storage.ts";
import { Door, emptyPhone, openApp, tillOf } from "./makers.ts";

beforeEach(emptyPhone);

test("the new version of the till finds its pairing and the questions of the old one", async () => {
  const till = await tillOf();
  const entry: Entry = {
    key: "key-1", tillId: 7, kind: "redemption", path: "/", body: "{}", cents: 1000, serials: [1], madeAtMs: 1, outcome: null,
  };
  await new Promise<void>((resolve, reject) => {
    const opened = indexedDB.open("till", 1);
    opened.onerror = () => reject(opened.error);
    opened.onupgradeneeded = () => {
      opened.result.createObjectStore("till").put(till, "paired");
      opened.result.createObjectStore("candidate");
      opened.result.createObjectStore("outbox", { keyPath: "key" }).put(entry);
    };
    opened.onsuccess = () => {
      opened.result.close();
      resolve();
    };
  });
  assert.equal((await pairing.read())?.tillId, 7);
  assert.deepEqual(await outboxShelf.all(), [entry]);
  assert.deepEqual((await queueShelf.all()).entries, []);
});

test("two tabs cannot write the same place of the chain", async () => {
  const beginning = await queueShelf.chain(7);
  const written = (key: string) => ({
    tillId: 7, number: 1, key, digest: key, code: "", cents: 1000, takenAtMs: 1, entry: key, signature: "",
  });
  await queueShelf.append(beginning, { number: 1, previous: "hash of a" }, [written("a")]);
  await queueShelf.append(beginning, { number: 1, previous: "hash of a" }, [written("a")]); // said twice, written once
  await assert.rejects(queueShelf.append(beginning, { number: 1, previous: "hash of b" }, [written("b")]), StorageRefused);
  assert.deepEqual((await queueShelf.all()).entries.map(({ key }) => key), ["a"]);
});

test("a phone that cannot keep a key pairs with a secret, signs with it, and says so", async () => {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (value, key) {
    if (value?.privateKey) throw new DOMException("a key cannot be stored", "DataCloneError");
    return put.call(this, value, key);
  };
  const door = new Door();
  const { client } = await openApp(door);
  const done = await enrol(client, "ABCDE2345E", "Stand 4").finally(() => { IDBObjectStore.prototype.put = put; });
  assert.equal(done.kind, "paired");
  const secret = (done as { till: Till }).till.key as Uint8Array;
  const { body } = door.heard[0]!;
  const shown = createHash("sha256").update(secret).digest("base64url");
  assert.deepEqual(body, {
    pairing_code: "ABCDE2345E", public_key: "", secret: Buffer.from(secret).toString("base64url"), label: "Stand 4",
    signature: createHmac("sha256", secret).update(`pair\nABCDE2345E\n${shown}\nStand 4`).digest("base64url"),
  });
  assert.deepEqual((await pairing.read())?.key, secret);
});

test("a lost connection is tried once more; a phone that refuses altogether says so", async () => {
  await pairing.keep(await tillOf());
  const { open } = IDBFactory.prototype;
  let failures = 1;
  IDBFactory.prototype.open = function (name, version) {
    if (failures-- > 0) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
    return open.call(this, name, version);
  };
  try {
    assert.equal((await pairing.read())?.tillId, 7);
    failures = Infinity;
    await assert.rejects(pairing.read(), StorageRefused);
  } finally {
    IDBFactory.prototype.open = open;
  }
});
