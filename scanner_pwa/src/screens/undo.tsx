// Asked once before a redemption is undone; a browser's own dialogue would stop the camera on some phones.
import type { JSX } from "preact";
import type { Counter, Stage, State } from "../counter.ts";
import { Pad } from "../parts/pad.tsx";
import { Page } from "../parts/page.tsx";
import * as words from "../words.ts";

interface Props { counter: Counter; state: State; stage: Stage & { at: "undo" } }

export function UndoScreen({ counter, state, stage }: Props): JSX.Element {
  const { problem } = stage;
  // The rule may be younger than what this till knows.
  const guarded = state.rules.undo_pin || problem?.reason === "pin_wrong";
  return (
    <Page title={words.undoTitle(words.amount(stage.cents))} screen="undo" actions={<>
      {!guarded && <button class="danger wide" onClick={() => void counter.undo()} data-testid="undo-yes">{words.undoYes}</button>}
      <button class="secondary wide" onClick={() => counter.backToCounter()} data-testid="undo-no">{words.undoNo}</button>
    </>}>
      <p class="lead">{words.undoText}</p>
      {!guarded && <p>{stage.serials.map(words.serial).join(" · ")}</p>}
      {problem && <p class="mistake" role="alert">{words.refusals[problem.reason] ?? problem.detail}</p>}
      {guarded && <>
        <p><strong>{words.undoPinAsk}</strong></p>
        <Pad label={words.undoPinAsk} onPin={async (pin) => { await counter.undo(pin); return null; }} />
      </>}
    </Page>
  );
}
