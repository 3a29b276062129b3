// The screen the phone shows all day: the camera, the day's total, what is in the basket, what waits for an answer.
import type { JSX } from "preact";
import { taken, total } from "../basket.ts";
import type { Camera } from "../camera.ts";
import type { Counter, State } from "../counter.ts";
import { momentText } from "../days.ts";
import type { Decoder } from "../decoder.ts";
import { Icon } from "../parts/icons.tsx";
import { useTitle } from "../parts/page.tsx";
import { Viewfinder } from "../parts/viewfinder.tsx";
import type { Till } from "../storage.ts";
import * as words from "../words.ts";

interface Props {
  counter: Counter;
  state: State;
  till: Till;
  camera: Camera;
  decoder: Decoder;
  eager: boolean;
  onOpened: () => void;
}

const moment = (atMs: number): string => momentText(new Date(atMs).toISOString(), Date.now(), words.language);

export function CounterScreen({ counter, state, till, camera, decoder, eager, onOpened }: Props): JSX.Element {
  const { basket, saleCents, cashier, reachable, rules, syncedMs } = state;
  const heading = useTitle("");
  const looking = state.stage.at === "looking";
  const sum = total(taken(basket, saleCents, till.programme.whole_use));
  const left = (saleCents ?? 0) - sum;
  return (
    <main class="counter" data-testid="screen-counter">
      <header class="counter-head">
        <div class="shop">
          <p class="shop-name">{till.merchant.shop_name}</p>
          <p class="shop-programme">{till.programme.name}</p>
        </div>
        {rules.cashiers.length > 0 && (
          <button class="plain duty" aria-label={`${words.onDuty} ${cashier?.name ?? words.nobody}`}
            onClick={() => counter.show("cashier")} data-testid="on-duty">
            <Icon name="person" /><span>{cashier?.name}</span>
          </button>
        )}
        <button class="square" aria-label={words.menu} onClick={() => counter.show("menu")} data-testid="open-menu">
          <Icon name="list" />
        </button>
      </header>
      {!reachable && (
        <p class="offline" role="status" data-testid="offline">
          <Icon name="offline" />{syncedMs === null ? words.offline : words.offlineSince(moment(syncedMs))}
        </p>
      )}

      <Viewfinder camera={camera} decoder={decoder} eager={eager} onOpened={onOpened} paused={looking}
        onText={(text) => counter.read(text)}>
        {looking && <p class="viewfinder-message" data-testid="looking"><Icon name="check" />{words.looking}</p>}
        {!looking && state.note && <p class="note" key={state.note.number} data-testid="note">{state.note.text}</p>}
      </Viewfinder>

      <div class="counter-say">
        <h1 ref={heading} tabIndex={-1}>{words.counterTitle}</h1>
        <p class="hint">{words.counterHint}</p>
      </div>

      <div class={`counter-actions ${looking ? "settling" : ""}`}>
        <WaitingPill counter={counter} state={state} />
        {basket.length > 0 && (
          <button class="primary wide" onClick={() => counter.showBasket()} data-testid="basket-pill">
            <Icon name="basket" />{words.basketPill(basket.length, words.amount(sum))}
            {left > 0 && ` · ${words.leftShort(words.amount(left))}`}
          </button>
        )}
        <div class="pair-of-buttons">
          <button class="secondary typed-way" onClick={() => counter.show("typed")} data-testid="open-typed">
            <Icon name="keyboard" />{words.typeInstead}
          </button>
          <button class="secondary" onClick={() => counter.show("today")} data-testid="open-today">
            <span class="today-label">{words.todayButton}</span>
            <strong data-testid="today-total">{state.today ? words.amount(state.today.cents) : "–"}</strong>
          </button>
        </div>
      </div>
    </main>
  );
}

/** How much waits, and since when: nothing that the server has not confirmed goes unseen. */
function WaitingPill({ counter, state: { queue, waiting } }: { counter: Counter; state: State }): JSX.Element | null {
  const asked = waiting.filter(({ entry }) => !entry.outcome).map(({ entry }) => entry);
  const count = queue.count + asked.length;
  if (count === 0) return null;
  const since = Math.min(queue.sinceMs ?? Infinity, ...asked.map(({ madeAtMs }) => madeAtMs));
  const onlyAsked = count === 1 ? asked[0] : undefined;
  const cents = asked.reduce((all, entry) => all + entry.cents, queue.cents);
  return (
    <button class="wide amber" data-testid="waiting-pill"
      onClick={() => (onlyAsked ? counter.showAsked(onlyAsked.key) : counter.show("queue"))}>
      <Icon name="clock" />{words.waitingPill(count, moment(since), words.amount(cents))}
    </button>
  );
}
