// What the phone keeps, in IndexedDB: its pairing and the requests without an answer yet.
// A connection is opened for each transaction: iOS drops long-lived ones behind our back after a pause.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Entry, OutboxShelf } from "./outbox.ts";
import type { Merchant, Programme } from "./wire.ts";

export interface Till {
  tillId: number;
  label: string;
  merchant: Merchant;
  programme: Programme;
  key: CryptoKey;
  /** Server's clock minus the phone's. */
  clockOffsetMs: number;
}

interface Shelves extends DBSchema {
  till: { key: "paired"; value: Till };
  candidate: { key: "keys"; value: CryptoKeyPair };
  outbox: { key: string; value: Entry };
}

/** Strict: a write is done when the device has it, not when the browser has promised it. */
const DURABLE = { durability: "strict" } as const;

type Work<T> = (db: IDBPDatabase<Shelves>) => Promise<T>;

/** Tried twice: the first failure after a pause is often only the lost connection, and every write here may be repeated. */
async function transact<T>(work: Work<T>): Promise<T> {
  try {
    return await transactOnce(work);
  } catch {
    return transactOnce(work);
  }
}

async function transactOnce<T>(work: Work<T>): Promise<T> {
  const db = await openDB<Shelves>("till", 1, {
    upgrade(fresh) {
      fresh.createObjectStore("till");
      fresh.createObjectStore("candidate");
      fresh.createObjectStore("outbox", { keyPath: "key" });
    },
  });
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

export const pairing = {
  read: (): Promise<Till | undefined> => transact((db) => db.get("till", "paired")),

  keep: (till: Till): Promise<void> => transact(async (db) => {
    const work = db.transaction(["till", "candidate"], "readwrite", DURABLE);
    await work.objectStore("till").put(till, "paired");
    await work.objectStore("candidate").delete("keys");
    await work.done;
  }),

  /** The keys offered to the server but not yet answered: the same ones are offered again after a lost answer. */
  candidate: (): Promise<CryptoKeyPair | undefined> => transact((db) => db.get("candidate", "keys")),

  keepCandidate: (keys: CryptoKeyPair): Promise<void> => transact(async (db) => {
    const work = db.transaction("candidate", "readwrite", DURABLE);
    await work.store.put(keys, "keys");
    await work.done;
  }),

  forget: (): Promise<void> => transact(async (db) => {
    const work = db.transaction("till", "readwrite", DURABLE);
    await work.store.delete("paired");
    await work.done;
  }),
};

export const outboxShelf: OutboxShelf = {
  all: () => transact((db) => db.getAll("outbox")),
  put: (entry) => transact(async (db) => {
    const work = db.transaction("outbox", "readwrite", DURABLE);
    await work.store.put(entry);
    await work.done;
  }),
  remove: (key) => transact(async (db) => {
    const work = db.transaction("outbox", "readwrite", DURABLE);
    await work.store.delete(key);
    await work.done;
  }),
};
