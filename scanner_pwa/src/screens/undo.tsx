// Asked once before a redemption is undone; a browser's own dialogue would stop the camera on some phones.
import type { JSX } from "preact";
import type { Counter } from "../counter.ts";
import { euros } from "../money.ts";
import { Page } from "../parts/page.tsx";
import { words } from "../words.ts";

export function UndoScreen({ counter, cents, serials }: { counter: Counter; cents: number; serials: number[] }): JSX.Element {
  return (
    <Page title={words.undoTitle(euros(cents, words.language))} screen="undo" actions={<>
      <button type="button" class="danger wide" onClick={() => void counter.undo()} data-testid="undo-yes">{words.undoYes}</button>
      <button type="button" class="secondary wide" onClick={() => counter.backToCounter()} data-testid="undo-no">{words.undoNo}</button>
    </>}>
      <p class="lead">{words.undoText}</p>
      <p>{serials.map(words.serial).join(" · ")}</p>
    </Page>
  );
}
