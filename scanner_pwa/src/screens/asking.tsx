// The question is on its way, or came back without an answer: amber, never green and never red. It is asked again
// with the same key until the server has answered; the cashier may serve the next customer meanwhile.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Counter, State } from "../counter.ts";
import { momentText } from "../days.ts";
import * as words from "../words.ts";
import { Sheet } from "./verdict.tsx";

export function AskingScreen({ counter, state, entryKey }: { counter: Counter; state: State; entryKey: string }): JSX.Element {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const waiting = state.waiting.find(({ entry }) => entry.key === entryKey);

  if (!waiting || waiting.failures === 0) {
    const undoing = waiting?.entry.kind === "reversal";
    return (
      <main class="asking" data-testid="screen-asking">
        <span class="spinner" aria-hidden="true" />
        <h1 class="asking-word">{undoing ? words.askingUndo : words.asking}</h1>
        {waiting && <p class="asking-amount">{words.amount(waiting.entry.cents)}</p>}
      </main>
    );
  }

  const { entry, asking, nextAtMs } = waiting;
  const seconds = nextAtMs === null ? 0 : Math.max(0, Math.ceil((nextAtMs - now) / 1000));
  return (
    <Sheet tone="unknown" title={words.unknownTitle} actions={<>
      <button class="on-verdict solid wide" disabled={asking} onClick={() => counter.askAgain(entry.key)} data-testid="ask-again">
        {words.askAgain}
      </button>
      <button class="on-verdict outline wide" onClick={() => counter.putAside()} data-testid="put-aside">
        {words.putAside}
      </button>
    </>}>
      <p class="verdict-amount" data-testid="verdict-amount">{words.amount(entry.cents)}</p>
      <p class="verdict-text">{words.unknownText}</p>
      {entry.kind === "redemption" && <p class="verdict-text"><strong>{words.unknownDoNot}</strong></p>}
      <p class="verdict-small" data-testid="unknown-next">
        {asking ? words.unknownNow : words.unknownNext(seconds)}
        <br />
        {words.askedAt(momentText(new Date(entry.madeAtMs).toISOString(), now, words.language))}
      </p>
    </Sheet>
  );
}
