// The day's redemptions, latest first, each with its undo while the window is open.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Counter } from "../counter.ts";
import { momentText, parisDay } from "../days.ts";
import { euros } from "../money.ts";
import { Page } from "../parts/page.tsx";
import { words } from "../words.ts";
import type { Day, DayItem } from "../wire.ts";

type Reading = Day | "reading" | "no answer";

export function TodayScreen({ counter, windowMinutes }: { counter: Counter; windowMinutes: number }): JSX.Element {
  const [day, setDay] = useState<Reading>("reading");
  const now = counter.client.serverNow();
  const read = async (): Promise<void> => {
    setDay("reading");
    try {
      const result = await counter.client.day(parisDay(now));
      setDay(result.ok ? result.body : "no answer");
    } catch {
      setDay("no answer");
    }
  };
  useEffect(() => void read(), []);
  return (
    <Page title={words.todayTitle} screen="today" onBack={() => counter.backToCounter()}>
      {day === "reading" && <p class="lead">{words.todayLoading}</p>}
      {day === "no answer" && <>
        <p class="lead">{words.todayNoAnswer}</p>
        <button type="button" class="secondary wide" onClick={() => void read()}>{words.retry}</button>
      </>}
      {typeof day === "object" && <DayList counter={counter} day={day} now={now} windowMinutes={windowMinutes} />}
    </Page>
  );
}

function DayList({ counter, day, now, windowMinutes }: { counter: Counter; day: Day; now: number; windowMinutes: number }): JSX.Element {
  if (day.items.length === 0) return <p class="lead">{words.todayNone}</p>;
  const items = [...day.items].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const kept = items.filter((item) => item.reversed_cents < item.cents);
  const sum = items.reduce((all, item) => all + item.cents - item.reversed_cents, 0);
  const mayUndo = (item: DayItem): boolean =>
    item.reversed_cents === 0 && now < Date.parse(item.at) + windowMinutes * 60_000;
  return <>
    <p class="day-sum"><span>{words.todaySum(kept.length)}</span><strong data-testid="day-total">{euros(sum, words.language)}</strong></p>
    <ul class="day">
      {items.map((item) => (
        <li key={item.redemption} class={item.reversed_cents > 0 ? "undone" : undefined} data-testid="day-item">
          <div>
            <p><strong>{euros(item.cents, words.language)}</strong> · {momentText(item.at, now, words.language)}</p>
            <p class="hint">{item.reversed_cents > 0 && <>{words.todayUndone} · </>}{item.serials.map(words.serial).join(" · ")}</p>
          </div>
          {mayUndo(item) && (
            <button type="button" class="secondary" data-testid="day-undo" aria-label={words.todayUndo(euros(item.cents, words.language))}
              onClick={() => counter.askUndo(item.redemption, item.cents, item.serials)}>
              {words.undoShort}
            </button>
          )}
        </li>
      ))}
    </ul>
    {day.next !== null && <p class="hint">{words.todayMore}</p>}
  </>;
}
