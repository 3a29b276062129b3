// What is not needed at every sale: who is at the till, the owner's corner, training, installing, the language.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Counter, State } from "../counter.ts";
import { save } from "../desk.ts";
import { Install } from "../parts/install.tsx";
import { Page } from "../parts/page.tsx";
import type { Till } from "../storage.ts";
import * as words from "../words.ts";

/** The page's own script carries the hash of its content in its name. */
const BUILD = /-(\w+)\.js/.exec(import.meta.url)?.[1] ?? "";

export function MenuScreen({ counter, state, till }: { counter: Counter; state: State; till: Till }): JSX.Element {
  const [mistake, setMistake] = useState<string | null>(null);
  const selling = state.basket.length > 0;
  const sheet = (): void => {
    setMistake(null);
    counter.client.trainingSheet().then((file) => save(file, "entrainement.pdf"), () => setMistake(words.noAnswer));
  };
  const row = (name: string, text: string, onClick: () => void, value = "", disabled = false): JSX.Element => (
    <button class="secondary wide row" disabled={disabled} onClick={onClick} data-testid={`menu-${name}`}>
      {text}{value && <strong>{value}</strong>}
    </button>
  );
  return (
    <Page title={words.menu} screen="menu" onBack={() => counter.backToCounter()}>
      <p class="lead">{till.merchant.shop_name} · {till.label}</p>
      {state.rules.cashiers.length > 0 &&
        row("cashier", words.onDuty, () => counter.show("cashier"), state.cashier?.name ?? words.nobody)}
      {row("owner", words.owner, () => counter.show("owner"))}
      {row("training", state.training ? words.trainingStop : words.training, () => counter.train(!state.training), "", selling)}
      {row("sheet", words.trainingSheet, sheet)}
      {mistake && <p class="mistake" role="alert">{mistake}</p>}
      <Install />
      {!selling && !state.training && <Language />}
      {state.rules.weak && <p class="mistake">{words.weak}</p>}
      <p class="hint" data-testid="version">{words.version(BUILD)}</p>
    </Page>
  );
}

export function Language(): JSX.Element {
  return (
    <button class="plain wide" lang={words.otherTag} onClick={words.changeLanguage} data-testid="language">
      {words.otherLanguage}
    </button>
  );
}
