// What the phone keeps, in IndexedDB: its pairing, the requests without an answer yet, the vouchers taken without
// network, and the list they were judged by.
// A connection is opened for each transaction: iOS drops long-lived ones behind our back after a pause.
import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from "idb";
import type { Acceptance, Chain, Kept, QueueShelf } from "./offline.ts";
import type { Entry, OutboxShelf } from "./outbox.ts";
import type { Bytes, TillKey } from "./signing.ts";
import type { Merchant, Programme } from "./wire.ts";

export interface Till {
  tillId: number;
  label: string;
  merchant: Merchant;
  programme: Programme;
  /** Bytes: a secret, on a phone that cannot keep a key. */
  key: TillKey;
  /** Server's clock minus the phone's. */
  clockOffsetMs: number;
}

/** Keys or, where they do not last, a secret: offered to the server and not yet answered. */
export type Candidate = CryptoKeyPair | Bytes;

interface Shelves extends DBSchema {
  /** "paired" is the till this phone is; a number, one that it was. */
  till: { key: "paired" | number; value: Till };
  candidate: { key: "keys"; value: Candidate };
  outbox: { key: string; value: Entry };
  queue: { key: [number, number]; value: Acceptance };
  results: { key: string; value: Kept };
  /** Digests of the vouchers this till took since its list was made, and when. */
  taken: { key: string; value: number };
  /** The list, the shop's rules, wrong digits of cashiers, the end of the chain. */
  notes: { key: string; value: unknown };
}

/** The phone keeps nothing: a private window, a full disk, a locked-down browser. */
export class StorageRefused extends Error {
  override name = "StorageRefused";
}

/** Strict: a write is done when the device has it, not when the browser has promised it. */
const DURABLE = { durability: "strict" } as const;
type Name = StoreNames<Shelves>;
type Work<T> = (db: IDBPDatabase<Shelves>) => Promise<T>;
type Writing = IDBPTransaction<Shelves, Name[], "readwrite">;

/** Tried twice: the first failure after a pause is often only the lost connection, and every write here may be repeated. */
async function transact<T>(work: Work<T>): Promise<T> {
  try {
    return await transactOnce(work).catch(() => transactOnce(work));
  } catch (reason) {
    throw new StorageRefused(String(reason));
  }
}

async function transactOnce<T>(work: Work<T>): Promise<T> {
  const db = await openDB<Shelves>("till", 2, {
    upgrade(older, version) {
      const names: Name[] = version < 1 ? ["till", "candidate"] : [];
      for (const name of [...names, "taken", "notes"] as const) older.createObjectStore(name);
      if (version < 1) older.createObjectStore("outbox", { keyPath: "key" });
      older.createObjectStore("queue", { keyPath: ["tillId", "number"] });
      older.createObjectStore("results", { keyPath: "key" });
    },
  });
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

/** One durable transaction: all of it is on the device when this resolves, or nothing. */
function write<T>(names: Name[], work: (tx: Writing) => Promise<T>): Promise<T> {
  return transact(async (db) => {
    const tx = db.transaction(names, "readwrite", DURABLE);
    const [result] = await Promise.all([work(tx), tx.done]);
    return result;
  });
}

export const pairing = {
  read: (): Promise<Till | undefined> => transact((db) => db.get("till", "paired")),

  /** A till this phone was, kept while something it signed has not been sent. */
  former: (tillId: number): Promise<Till | undefined> => transact((db) => db.get("till", tillId)),

  forgetFormer: (tillId: number): Promise<void> => write(["till"], (tx) => tx.objectStore("till").delete(tillId)),

  keep: (till: Till): Promise<void> => write(["till", "candidate", "notes", "taken", "queue"], async (tx) => {
    const tills = tx.objectStore("till");
    const before = await tills.get("paired");
    const works: Promise<unknown>[] = [tills.put(till, "paired"), tx.objectStore("candidate").delete("keys")];
    if (before && before.tillId !== till.tillId) {
      const all = IDBKeyRange.bound([before.tillId, 0], [before.tillId, Infinity]);
      if ((await tx.objectStore("queue").count(all)) > 0) works.push(tills.put(before, before.tillId));
      works.push(tx.objectStore("notes").clear(), tx.objectStore("taken").clear());
    }
    await Promise.all(works);
  }),

  /** The same ones are offered again after a lost answer. */
  candidate: (): Promise<Candidate | undefined> => transact((db) => db.get("candidate", "keys")),

  keepCandidate: (keys: Candidate): Promise<unknown> =>
    write(["candidate"], (tx) => tx.objectStore("candidate").put(keys, "keys")),
};

export const notes = {
  read: <T>(name: string): Promise<T | undefined> => transact((db) => db.get("notes", name) as Promise<T | undefined>),
  keep: (name: string, value: unknown): Promise<unknown> => write(["notes"], (tx) => tx.objectStore("notes").put(value, name)),
};

export const outboxShelf: OutboxShelf = {
  all: () => transact((db) => db.getAll("outbox")),
  put: (entry) => write(["outbox"], async (tx) => void (await tx.objectStore("outbox").put(entry))),
  remove: (key) => write(["outbox"], (tx) => tx.objectStore("outbox").delete(key)),
};

const chainOf = (tillId: number): string => `chain-${tillId}`;
const BEGINNING: Chain = { number: 0, previous: "" };

export const queueShelf: QueueShelf = {
  all: () => transact(async (db) => {
    const tx = db.transaction(["queue", "results", "taken"]);
    const [entries, results, digests, times] = await Promise.all([
      tx.objectStore("queue").getAll(), tx.objectStore("results").getAll(),
      tx.objectStore("taken").getAllKeys(), tx.objectStore("taken").getAll(),
    ]);
    return { entries, results, taken: digests.map((digest, at) => [digest, times[at]!] as const) };
  }),

  chain: async (tillId) => (await notes.read<Chain>(chainOf(tillId))) ?? BEGINNING,

  append: (before, after, entries) => write(["queue", "taken", "notes"], async (tx) => {
    const { tillId } = entries[0]!;
    const shelf = tx.objectStore("notes");
    const end = ((await shelf.get(chainOf(tillId))) as Chain | undefined) ?? BEGINNING;
    if (end.previous === after.previous) return; // it was written, and only the connection's answer was lost
    if (end.previous !== before.previous) throw new Error("another tab wrote");
    await Promise.all([
      ...entries.flatMap((entry) => [
        tx.objectStore("queue").add(entry), tx.objectStore("taken").put(entry.takenAtMs, entry.digest),
      ]),
      shelf.put(after, chainOf(tillId)),
    ]);
  }),

  keepResults: (results) => write(["results"], async (tx) => {
    await Promise.all(results.map((result) => tx.objectStore("results").put(result)));
  }),

  take: (digests, atMs) => write(["taken"], async (tx) => {
    await Promise.all(digests.map((digest) => tx.objectStore("taken").put(atMs, digest)));
  }),

  remove: (entries, digests) => write(["queue", "results", "taken"], async (tx) => {
    await Promise.all([
      ...digests.map((digest) => tx.objectStore("taken").delete(digest)),
      ...entries.flatMap(({ tillId, number, key }) => [
        tx.objectStore("queue").delete([tillId, number]), tx.objectStore("results").delete(key),
      ]),
    ]);
  }),
};
