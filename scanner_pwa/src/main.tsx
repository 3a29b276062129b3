// Puts the till together and opens it.
import { render } from "preact";
import { App } from "./app.tsx";
import { Camera } from "./camera.ts";
import { Counter } from "./counter.ts";
import { Decoder } from "./decoder.ts";
import { feedback, unlockSound } from "./feedback.ts";
import { Outbox } from "./outbox.ts";
import { onReturn } from "./presence.ts";
import { pairingCodeFromText } from "./qr_text.ts";
import { outboxShelf, pairing } from "./storage.ts";
import { TillClient } from "./till.ts";
import { Updates } from "./updates.ts";
import { words } from "./words.ts";

const now = (): number => Date.now();

async function openTill(root: HTMLElement): Promise<void> {
  const decoder = new Decoder(); // first: its wasm compiles while the rest is read
  const till = (await pairing.read()) ?? null;
  const updates = new Updates();
  const client = new TillClient(till, {
    language: words.language,
    now,
    onReachable: (reachable) => counter.reachable(reachable),
    onBuild: (build) => updates.heard(build),
    onClock: (corrected) => void pairing.keep(corrected).catch(() => undefined),
  });
  const outbox = new Outbox({
    shelf: outboxShelf,
    send: (entry) => client.send(entry),
    now,
    later: (job, ms) => {
      const timer = setTimeout(job, ms);
      return () => clearTimeout(timer);
    },
  });
  const counter: Counter = new Counter(client, outbox, feedback, now);

  addEventListener("pointerdown", unlockSound, { once: true });
  addEventListener("online", () => outbox.askAll());
  onReturn(() => {
    outbox.askAll();
    updates.check();
    void counter.refresh(); // a new day may have begun
  });

  const pairingCode = pairingCodeFromText(location.hash.slice(1)) ?? "";
  // A secret does not stay in the address bar.
  if (location.hash) history.replaceState(null, "", location.pathname);
  // A pairing link opened while the till is already open only changes the hash.
  addEventListener("hashchange", () => location.reload());
  root.replaceChildren();
  render(
    <App counter={counter} outbox={outbox} camera={new Camera()} decoder={decoder} pairingCode={pairingCode}
      onIdle={() => updates.takeIfReady()} />,
    root,
  );
  await Promise.all([counter.open(), updates.start()]);
}

document.documentElement.lang = words.language.slice(0, 2);
document.title = words.appName;
const root = document.getElementById("till");
if (root) {
  root.textContent = words.starting;
  const able = "indexedDB" in window && globalThis.crypto?.subtle !== undefined && "Worker" in window;
  if (!able) root.textContent = words.unsupported;
  else openTill(root).catch(() => { root.textContent = words.unsupported; });
}
