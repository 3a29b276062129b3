// One voucher is shown large as a card; several as a list with their sum. The one thing to do next is at the thumb.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { taken, total, type Line } from "../basket.ts";
import type { Counter, State } from "../counter.ts";
import { dayText } from "../days.ts";
import { centsFromText, euros } from "../money.ts";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page } from "../parts/page.tsx";
import type { Till } from "../storage.ts";
import { words } from "../words.ts";

const amount = (cents: number): string => euros(cents, words.language);

export function BasketScreen({ counter, state, till }: { counter: Counter; state: State; till: Till }): JSX.Element {
  const { basket, saleCents } = state;
  const [typed, setTyped] = useState(saleCents === null ? "" : euros(saleCents, words.language).replace(/[^\d.,]/g, ""));
  const wrong = typed.trim() !== "" && !centsFromText(typed);
  const lines = taken(basket, saleCents, till.programme.whole_use);
  const sum = total(lines);
  const onSale = (text: string): void => {
    setTyped(text);
    counter.setSale(centsFromText(text) || null);
  };
  return (
    <Page
      title={basket.length === 1 ? words.voucherTitle : words.basketTitle}
      screen="basket"
      actions={<>
        <button type="button" class="primary huge wide" disabled={wrong} onClick={() => void counter.redeem()} data-testid="redeem">
          {words.redeem(amount(sum))}
        </button>
        <button type="button" class="secondary wide" onClick={() => counter.addAnother()} data-testid="add-another">
          <Icon name="plus" />{words.addAnother}
        </button>
        <button type="button" class="plain wide" onClick={() => counter.giveUp()} data-testid="give-up">{words.giveUp}</button>
      </>}
    >
      {basket.length === 1 ? <VoucherCard line={basket[0]!} /> : <Lines counter={counter} basket={basket} sum={sum} />}
      <Field name="sale-total" label={words.saleTotal} value={typed} onText={onSale} keyboard="decimal"
        mistake={wrong ? words.saleWrong : null} />
      <SaleNote basket={basket} saleCents={saleCents} sum={sum} wholeUse={till.programme.whole_use} />
    </Page>
  );
}

function VoucherCard({ line: { looked } }: { line: Line }): JSX.Element {
  const partly = looked.balance_cents !== looked.face_cents;
  return (
    <section class="voucher" data-testid="voucher-card">
      <p class="not-yet">{words.notYet}</p>
      <p class="voucher-value" data-testid="voucher-value">{amount(looked.balance_cents)}</p>
      {partly && <p>{words.remainder(amount(looked.balance_cents), amount(looked.face_cents))}</p>}
      <p class="voucher-serial" data-testid="voucher-serial">{words.serial(looked.serial)}</p>
      <p class="voucher-day" data-testid="voucher-day">{words.untilDay(dayText(looked.expires_on, words.language))}</p>
    </section>
  );
}

function Lines({ counter, basket, sum }: { counter: Counter; basket: readonly Line[]; sum: number }): JSX.Element {
  return (
    <section class="lines">
      <p class="not-yet">{words.notYet}</p>
      <ul>
        {basket.map(({ looked }) => (
          <li key={looked.serial} data-testid="basket-line">
            <span class="line-serial">{words.serial(looked.serial)}</span>
            <strong>{amount(looked.balance_cents)}</strong>
            <button type="button" class="square" onClick={() => counter.takeOut(looked.serial)}
              aria-label={words.takeOut(words.serial(looked.serial))} data-testid="take-out">
              <Icon name="cross" />
            </button>
          </li>
        ))}
      </ul>
      <p class="lines-sum">
        <span>{words.basketSum(basket.length)}</span>
        <strong data-testid="basket-total">{amount(sum)}</strong>
      </p>
    </section>
  );
}

/** What the customer still owes, or is not given back. */
function SaleNote(props: { basket: readonly Line[]; saleCents: number | null; sum: number; wholeUse: boolean }): JSX.Element | null {
  const { basket, saleCents, sum, wholeUse } = props;
  if (saleCents === null) return null;
  const worth = basket.reduce((all, { looked }) => all + looked.balance_cents, 0);
  if (saleCents > sum) return <p class="sale-note" data-testid="sale-note">{words.stillToPay(amount(saleCents - sum))}</p>;
  if (worth === saleCents) return null;
  return (
    <p class="sale-note" data-testid="sale-note">
      {wholeUse ? words.noChange(amount(worth - saleCents)) : words.partLeft(amount(worth - saleCents))}
    </p>
  );
}
