// One voucher is shown large as a card; several as a list with their sum. The one thing to do next is at the thumb.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { taken, total, type Line } from "../basket.ts";
import type { Counter, State } from "../counter.ts";
import { dayText } from "../days.ts";
import { centsFromText } from "../money.ts";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page } from "../parts/page.tsx";
import type { Till } from "../storage.ts";
import * as words from "../words.ts";

export function BasketScreen({ counter, state, till }: { counter: Counter; state: State; till: Till }): JSX.Element {
  const { basket, saleCents } = state;
  const [typed, setTyped] = useState(saleCents === null ? "" : words.amount(saleCents).replace(/[^\d.,]|,(?=\d{3})/g, ""));
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
        <SaleNote basket={basket} saleCents={saleCents} sum={sum} wholeUse={till.programme.whole_use} />
        <button class="primary huge wide" disabled={wrong} onClick={() => void counter.redeem()} data-testid="redeem">
          {words.redeem(words.amount(sum))}
        </button>
        <button class="secondary wide" onClick={() => counter.addAnother()} data-testid="add-another">
          <Icon name="plus" />{words.addAnother}
        </button>
        <button class="plain wide" onClick={() => counter.giveUp()} data-testid="give-up">{words.giveUp}</button>
      </>}
    >
      {basket.length === 1 ? <VoucherCard line={basket[0]!} /> : <Lines counter={counter} basket={basket} sum={sum} />}
      <Field name="sale-total" label={words.saleTotal} value={typed} onText={onSale} keyboard="decimal"
        mistake={wrong ? words.saleWrong : null} />
    </Page>
  );
}

function VoucherCard({ line: { looked, offline } }: { line: Line }): JSX.Element {
  const { balance_cents, face_cents, serial } = looked;
  return (
    <section class="voucher" data-testid="voucher-card">
      <p class="not-yet">{words.notYet}</p>
      <p class="voucher-value" data-testid="voucher-value">{words.amount(balance_cents)}</p>
      {balance_cents !== face_cents && <p>{words.remainder(words.amount(balance_cents), words.amount(face_cents))}</p>}
      {offline
        ? <p class="offline" data-testid="voucher-offline"><Icon name="offline" />{words.judgedOffline}</p>
        : <p class="voucher-serial" data-testid="voucher-serial">{words.serial(serial)}</p>}
      <p class="voucher-day" data-testid="voucher-day">{words.untilDay(dayText(looked.expires_on, words.language))}</p>
    </section>
  );
}

function Lines({ counter, basket, sum }: { counter: Counter; basket: readonly Line[]; sum: number }): JSX.Element {
  return (
    <section class="lines">
      <p class="not-yet">{words.notYet}</p>
      <ul>
        {basket.map((line, place) => (
          <li key={place} data-testid="basket-line">
            <span class="line-serial">{words.serial(line.looked.serial)}</span>
            <strong>{words.amount(line.looked.balance_cents)}</strong>
            <button class="square" onClick={() => counter.takeOut(line)}
              aria-label={words.takeOut(words.serial(line.looked.serial))} data-testid="take-out">
              <Icon name="cross" />
            </button>
          </li>
        ))}
      </ul>
      <p class="lines-sum">
        <span>{words.basketSum(basket.length)}</span>
        <strong data-testid="basket-total">{words.amount(sum)}</strong>
      </p>
    </section>
  );
}

/** What the customer still owes, or is not given back. */
function SaleNote(props: { basket: readonly Line[]; saleCents: number | null; sum: number; wholeUse: boolean }): JSX.Element | null {
  const { basket, saleCents, sum, wholeUse } = props;
  const worth = basket.reduce((all, { looked }) => all + looked.balance_cents, 0);
  if (saleCents === null || worth === saleCents) return null;
  const text = saleCents > sum ? words.stillToPay(words.amount(saleCents - sum))
    : (wholeUse ? words.noChange : words.partLeft)(words.amount(worth - saleCents));
  return <p class="sale-note" role="status" data-testid="sale-note">{text}</p>;
}
