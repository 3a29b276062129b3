// Who is at the till: a name, then four digits. It says who took a voucher, it opens nothing.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Counter, State } from "../counter.ts";
import { Pad } from "../parts/pad.tsx";
import { Page } from "../parts/page.tsx";
import * as words from "../words.ts";
import type { Cashier } from "../wire.ts";

export function CashierScreen({ counter, state }: { counter: Counter; state: State }): JSX.Element {
  const [who, setWho] = useState<Cashier | null>(null);
  const { rules, cashier } = state;
  const mayLeave = cashier !== null || rules.ask_cashier === "never";
  if (who) {
    return (
      <Page key="pin" title={words.pinOf(who.name)} screen="pin" onBack={() => setWho(null)}>
        <Pad label={words.pinOf(who.name)} onPin={(pin) => counter.signOn(who, pin)} />
      </Page>
    );
  }
  return (
    <Page key="who" title={words.onDuty} screen="cashier" {...(mayLeave && { onBack: () => counter.backToCounter() })}>
      {rules.cashiers.map((one) => (
        <button key={one.id} class="secondary huge wide" onClick={() => setWho(one)} data-testid="cashier-choice">{one.name}</button>
      ))}
      {!mayLeave && <button class="plain wide" onClick={() => counter.show("menu")} data-testid="open-menu">{words.menu}</button>}
      {cashier && rules.ask_cashier === "never" && (
        <button class="plain wide" onClick={() => counter.signOff()} data-testid="cashier-nobody">{words.nobody}</button>
      )}
    </Page>
  );
}
