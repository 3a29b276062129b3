// Puts the till together and opens it.
import { render } from "preact";
import { App } from "./app.tsx";
import { Camera } from "./camera.ts";
import { Counter } from "./counter.ts";
import { Decoder } from "./decoder.ts";
import { feedback, unlockSound } from "./feedback.ts";
import { Offline } from "./offline.ts";
import { Outbox } from "./outbox.ts";
import { onReturn } from "./presence.ts";
import { pairingCodeFromText } from "./qr_text.ts";
import { sign } from "./signing.ts";
import { notes, outboxShelf, pairing, queueShelf } from "./storage.ts";
import { alone, holdTill } from "./tabs.ts";
import { TillClient } from "./till.ts";
import { Updates } from "./updates.ts";
import * as words from "./words.ts";

const now = (): number => Date.now();
const BEAT_MS = 15_000;

function later(job: () => void, ms: number): () => void {
  const timer = setTimeout(job, ms);
  return () => clearTimeout(timer);
}

async function openTill(root: HTMLElement): Promise<void> {
  const decoder = new Decoder(); // first: its wasm compiles while the rest is read
  const kept = await pairing.read().catch(() => null);
  // Some phones keep the pairing and lose its key: then it is paired again.
  const till = kept && await sign(kept.key, "").then(() => kept, () => undefined);
  const updates = new Updates();
  const client = new TillClient(till ?? null, {
    language: words.language,
    now,
    onReachable: (reachable, slow) => counter.reachable(reachable, slow),
    onBuild: (build) => updates.heard(build),
    onClock: (corrected) => void pairing.keep(corrected).catch(() => undefined),
  });
  const outbox = new Outbox({ shelf: outboxShelf, send: (entry) => client.send(entry), now, later });
  const offline = new Offline({ client, shelf: queueShelf, notes, pairing, later, alone });
  const counter: Counter = new Counter(client, outbox, offline, feedback, now, () => void open(true));

  async function open(takeOver: boolean): Promise<void> {
    if (till === null || !(await holdTill(takeOver, () => counter.leave()))) return till === null ? counter.stop() : counter.leave();
    if (takeOver) counter.resume();
    await counter.open().catch(() => counter.stop());
  }

  addEventListener("pointerdown", unlockSound, { once: true });
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => counter.touch(), true);
  addEventListener("online", () => void counter.wake());
  onReturn(() => {
    updates.check();
    void counter.wake();
  });
  setInterval(() => { if (!document.hidden) void counter.beat(); }, BEAT_MS);

  const pairingCode = pairingCodeFromText(location.hash.slice(1)) ?? "";
  // A secret does not stay in the address bar.
  if (location.hash) history.replaceState(null, "", location.pathname);
  // A pairing link opened while the till is already open only changes the hash.
  addEventListener("hashchange", () => location.reload());
  root.replaceChildren();
  root.className = "";
  render(
    <App counter={counter} outbox={outbox} camera={new Camera()} decoder={decoder} pairingCode={pairingCode}
      onIdle={(idle) => updates.setIdle(idle)} />,
    root,
  );
  await Promise.all([open(false), updates.start()]);
}

document.documentElement.lang = words.language.slice(0, 2);
document.title = words.appName;
const root = document.getElementById("till");
if (root) {
  root.textContent = words.starting;
  const able = globalThis.crypto?.subtle !== undefined && "Worker" in window;
  if (!able) root.textContent = words.unsupported;
  else openTill(root).catch(() => { root.textContent = words.unsupported; });
}
