// The till cannot work here: open in another tab, or on a phone that keeps nothing.
import type { JSX } from "preact";
import type { Counter } from "../counter.ts";
import { Sheet } from "./verdict.tsx";
import * as words from "../words.ts";

export function ElsewhereScreen({ counter }: { counter: Counter }): JSX.Element {
  return (
    <Sheet tone="foreign" title={words.elsewhere} actions={
      <button class="on-verdict solid wide" onClick={() => counter.takeOver()} data-testid="take-over">{words.takeOver}</button>
    }>
      <p class="verdict-text">{words.elsewhereText}</p>
    </Sheet>
  );
}

export function StorageScreen(): JSX.Element {
  return (
    <Sheet tone="refused" title={words.broken} actions={
      <button class="on-verdict solid wide" onClick={() => location.reload()} data-testid="storage-retry">{words.retry}</button>
    }>
      <p class="verdict-text">{words.storageText}</p>
    </Sheet>
  );
}
