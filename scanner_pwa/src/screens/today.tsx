// After the sale: the day's redemptions with their undo, a voucher searched by its number, what will be paid, disputes,
// and what still waits on this phone.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Counter, State } from "../counter.ts";
import { dayText, momentText, parisDay } from "../days.ts";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page } from "../parts/page.tsx";
import { serialFromText } from "../qr_text.ts";
import type { Till } from "../storage.ts";
import type { Result } from "../till.ts";
import * as words from "../words.ts";
import type { DayItem } from "../wire.ts";

interface Props { counter: Counter; state: State; till: Till }

const moment = (atMs: number | string): string => momentText(new Date(atMs).toISOString(), Date.now(), words.language);

/** What the server is asked for once, with a way to ask again. */
function Asked<T>({ ask, children }: { ask: () => Promise<Result<T>>; children: (body: T) => ComponentChildren }): JSX.Element {
  const [body, setBody] = useState<T | string | null>(null);
  const read = (): void => {
    setBody(null);
    ask().then((result) => setBody(result.ok ? result.body : result.problem.detail), () => setBody(words.noAnswer));
  };
  useEffect(read, []);
  if (body === null) return <p class="lead" role="status">{words.reading}</p>;
  if (typeof body !== "string") return <>{children(body as T)}</>;
  return <>
    <p class="lead" role="alert">{body}</p>
    <button class="secondary wide" onClick={read} data-testid="retry">{words.retry}</button>
  </>;
}

export function TodayScreen(props: Props): JSX.Element {
  const { counter } = props;
  return (
    <Page title={words.todayTitle} screen="today" onBack={() => counter.backToCounter()} actions={
      <div class="pair-of-buttons">
        <button class="secondary" onClick={() => counter.show("search")} data-testid="open-search">{words.searchGo}</button>
        <button class="secondary" onClick={() => counter.show("account")} data-testid="open-account">{words.account}</button>
        <button class="secondary" onClick={() => counter.show("disputes")} data-testid="open-disputes">{words.disputes}</button>
      </div>
    }>
      <Waiting {...props} />
      <Asked ask={() => counter.client.day(parisDay(counter.client.serverNow()))}>
        {({ items, next }) => <>
          <Items {...props} items={items} none={words.todayNone} />
          {next !== null && <p class="hint">{words.todayMore}</p>}
        </>}
      </Asked>
    </Page>
  );
}

export function SearchScreen(props: Props): JSX.Element {
  const { counter } = props;
  const [text, setText] = useState("");
  const [wanted, setWanted] = useState<number | null>(null);
  const serial = serialFromText(text);
  return (
    <Page title={words.search} screen="search" onBack={() => counter.show("today")}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); setWanted(serial); }}>
        <Field name="search-serial" label={words.typedSerial} value={text} onText={setText} keyboard="numeric" maxLength={16} code />
        <button type="submit" class="primary wide" disabled={serial === null} data-testid="search-go">{words.searchGo}</button>
      </form>
      {wanted !== null && (
        <Asked key={wanted} ask={() => counter.client.redemptionsOf(wanted)}>
          {({ items }) => <Items {...props} items={items} none={words.searchNone} />}
        </Asked>
      )}
    </Page>
  );
}

function Items({ counter, till, items, none }: Props & { items: DayItem[]; none: string }): JSX.Element {
  if (items.length === 0) return <p class="lead" role="status">{none}</p>;
  const now = counter.client.serverNow();
  const latest = [...items].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const kept = items.filter((item) => item.reversed_cents < item.cents);
  const sum = items.reduce((all, item) => all + item.cents - item.reversed_cents, 0);
  const mayUndo = (item: DayItem): boolean =>
    item.reversed_cents === 0 && now < Date.parse(item.at) + till.programme.reversal_window_minutes * 60_000;
  return <>
    <p class="day-sum"><span>{words.todaySum(kept.length)}</span><strong data-testid="day-total">{words.amount(sum)}</strong></p>
    <ul class="day">
      {latest.map((item) => (
        <li key={item.redemption} class={item.reversed_cents > 0 ? "undone" : undefined} data-testid="day-item">
          <div>
            <p><strong>{words.amount(item.cents)}</strong> · {moment(item.at)}</p>
            <p class="hint">
              {[item.reversed_cents > 0 && words.todayUndone, ...item.serials.map(words.serial), item.cashier,
                item.till_id !== till.tillId && item.till].filter(Boolean).join(" · ")}
            </p>
          </div>
          {mayUndo(item) && (
            <button class="secondary" data-testid="day-undo" aria-label={words.todayUndo(words.amount(item.cents))}
              onClick={() => counter.askUndo(item.redemption, item.cents, item.serials)}>
              {words.undoShort}
            </button>
          )}
        </li>
      ))}
    </ul>
  </>;
}

/** What this phone took and the server has not confirmed. */
function Waiting({ counter, state: { queue, waiting } }: Props): JSX.Element | null {
  const entries = queue.entries.filter(({ key }) => (queue.results.get(key)?.result.outcome ?? "invalid") === "invalid");
  const asked = waiting.filter(({ entry }) => !entry.outcome);
  if (entries.length + asked.length === 0) return null;
  return (
    <ul class="day waits">
      {asked.map(({ entry }) => (
        <li key={entry.key} data-testid="waiting-item">
          <div>
            <p><strong>{words.amount(entry.cents)}</strong> · {moment(entry.madeAtMs)}</p>
            <p class="hint">{words.unknownTitle} · {entry.serials.map(words.serial).join(" · ")}</p>
          </div>
          <button class="secondary" onClick={() => counter.showAsked(entry.key)}>{words.askShort}</button>
        </li>
      ))}
      {entries.map(({ key, cents, takenAtMs }) => (
        <li key={key} data-testid="waiting-item">
          <div>
            <p><strong>{words.amount(cents)}</strong> · {moment(takenAtMs)}</p>
            <p class="hint">{queue.results.has(key) ? words.unread : words.queued}</p>
          </div>
          <Icon name={queue.results.has(key) ? "warning" : "clock"} />
        </li>
      ))}
    </ul>
  );
}

export function QueueScreen(props: Props): JSX.Element {
  const { counter, state: { queue, waiting } } = props;
  const none = queue.count + waiting.filter(({ entry }) => !entry.outcome).length === 0;
  return (
    <Page title={words.waits} screen="queue" onBack={() => counter.backToCounter()}>
      {queue.count > 0 && <p class="lead">{words.queuedText}</p>}
      <Waiting {...props} />
      {none ? <p class="lead" role="status">{words.none}</p> : (
        <button class="primary wide" onClick={() => counter.sendNow()} data-testid="send-now">{words.sendNow}</button>
      )}
    </Page>
  );
}

export function AccountScreen({ counter }: Props): JSX.Element {
  return (
    <Page title={words.account} screen="account" onBack={() => counter.show("today")}>
      <Asked ask={() => counter.client.account()}>
        {({ owed_cents, commission_cents, vat_cents, net_cents, since_on }) => <>
          {since_on && <p class="lead">{words.accountSince(dayText(since_on, words.language))}</p>}
          <dl class="day figures">
            <dt>{words.accountOwed}</dt><dd>{words.amount(owed_cents)}</dd>
            <dt>{words.accountFee}</dt><dd>{words.amount(-commission_cents - vat_cents)}</dd>
            <dt>{words.accountNet}</dt><dd data-testid="account-net"><strong>{words.amount(net_cents)}</strong></dd>
          </dl>
        </>}
      </Asked>
    </Page>
  );
}

const STATES = { open: "question", guaranteed: "check", dismissed: "cross" } as const;

export function DisputesScreen({ counter }: Props): JSX.Element {
  return (
    <Page title={words.disputes} screen="disputes" onBack={() => counter.show("today")}>
      <Asked ask={() => counter.client.disputes()}>
        {({ items }) => items.length === 0 ? <p class="lead" role="status">{words.none}</p> : (
          <ul class="day">
            {items.map((one) => (
              <li key={one.number} data-testid="dispute">
                <div>
                  <p>
                    <strong>{words.amount(one.cents)}</strong> · {moment(one.scanned_at)} · {words.serial(one.serial)}
                  </p>
                  <p>{one.text}</p>
                </div>
                <Icon name={STATES[one.state]} />
              </li>
            ))}
          </ul>
        )}
      </Asked>
    </Page>
  );
}
