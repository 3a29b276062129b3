// The screen the phone shows all day: the camera, the day's total, what is in the basket, what waits for an answer.
import type { JSX } from "preact";
import { taken, total } from "../basket.ts";
import type { Camera } from "../camera.ts";
import type { Counter, State } from "../counter.ts";
import type { Decoder } from "../decoder.ts";
import { euros } from "../money.ts";
import { Icon } from "../parts/icons.tsx";
import { Viewfinder } from "../parts/viewfinder.tsx";
import type { Till } from "../storage.ts";
import { words } from "../words.ts";

interface Props {
  counter: Counter;
  state: State;
  till: Till;
  camera: Camera;
  decoder: Decoder;
  eager: boolean;
  onOpened: () => void;
}

export function CounterScreen({ counter, state, till, camera, decoder, eager, onOpened }: Props): JSX.Element {
  const looking = state.stage.at === "looking";
  const amount = (cents: number): string => euros(cents, words.language);
  const basketCents = total(taken(state.basket, null, till.programme.whole_use));
  const unresolved = state.waiting.filter(({ entry }) => !entry.outcome).length;
  return (
    <main class="counter" data-testid="screen-counter">
      <header class="counter-head">
        <div class="shop">
          <p class="shop-name">{till.merchant.shop_name}</p>
          <p class="shop-programme">{till.programme.name}</p>
        </div>
        {!state.reachable && (
          <p class="pill pill-alert" data-testid="offline"><Icon name="offline" />{words.offline}</p>
        )}
      </header>

      <Viewfinder camera={camera} decoder={decoder} eager={eager} onOpened={onOpened} paused={looking}
        onText={(text) => counter.read(text)}>
        {looking && <p class="viewfinder-message" data-testid="looking"><Icon name="check" />{words.looking}</p>}
        {!looking && state.note && <p class="note" key={state.note.number} data-testid="note">{state.note.text}</p>}
      </Viewfinder>

      <div class="counter-say">
        <h1>{words.counterTitle}</h1>
        <p class="hint">{words.counterHint}</p>
      </div>

      <div class={`counter-actions ${looking ? "settling" : ""}`}>
        {unresolved > 0 && (
          <button type="button" class="wide amber" onClick={() => counter.showWaiting()} data-testid="waiting-pill">
            <Icon name="question" />{words.waitingPill(unresolved)}
          </button>
        )}
        {state.basket.length > 0 && (
          <button type="button" class="primary wide" onClick={() => counter.showBasket()} data-testid="basket-pill">
            <Icon name="basket" />{words.basketPill(state.basket.length, amount(basketCents))}
          </button>
        )}
        <div class="pair-of-buttons">
          <button type="button" class="secondary typed-way" onClick={() => counter.showTyped()} data-testid="open-typed">
            <Icon name="keyboard" />{words.typeInstead}
          </button>
          <button type="button" class="secondary" onClick={() => counter.showToday()} data-testid="open-today">
            <span class="today-label">{words.todayButton}</span>
            <strong data-testid="today-total">{state.today ? amount(state.today.cents) : "–"}</strong>
          </button>
        </div>
      </div>
    </main>
  );
}
