// The answer, over the whole screen: colour, icon, word and amount each say it alone.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Counter, State, Verdict } from "../counter.ts";
import { dayText, momentText, parisDay } from "../days.ts";
import { euros } from "../money.ts";
import type { Entry } from "../outbox.ts";
import { Icon } from "../parts/icons.tsx";
import { Actions } from "../parts/page.tsx";
import { words } from "../words.ts";
import type { Problem } from "../wire.ts";

/** A good answer needs no tap: the next customer is here. A bad one stays until it was read. */
const GOOD_STAYS_MS = 4000;

const amount = (cents: number): string => euros(cents, words.language);
const ICONS = { accepted: "check", undone: "undo", refused: "cross", foreign: "foreign", unknown: "question" } as const;

interface SheetProps {
  tone: keyof typeof ICONS;
  title: string;
  children: ComponentChildren;
  actions: ComponentChildren;
  leavesAlone?: boolean;
}

export function Sheet({ tone, title, children, actions, leavesAlone = false }: SheetProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [title]);
  return (
    <main class={`verdict verdict-${tone}`} data-testid="screen-verdict" data-tone={tone}>
      <div class="verdict-body">
        <span class="verdict-icon"><Icon name={ICONS[tone]} /></span>
        <h1 ref={heading} tabIndex={-1} data-testid="verdict-title">{title}</h1>
        {children}
      </div>
      <Actions class="verdict-actions">{actions}</Actions>
      {leavesAlone && <span class="countdown" aria-hidden="true" />}
    </main>
  );
}

export function VerdictScreen({ counter, verdict, state }: { counter: Counter; verdict: Verdict; state: State }): JSX.Element {
  const leavesAlone = (verdict.tone === "accepted" && !verdict.late) || verdict.tone === "foreign";
  useEffect(() => {
    if (!leavesAlone) return undefined;
    const timer = setTimeout(() => void counter.dismiss(), GOOD_STAYS_MS);
    return () => clearTimeout(timer);
  }, [verdict]);

  const goOn = (label = words.goOn): JSX.Element => (
    <button type="button" class="on-verdict solid wide" onClick={() => void counter.dismiss()} data-testid="verdict-continue">
      {label}
    </button>
  );

  switch (verdict.tone) {
    case "accepted": {
      const { receipt, entry } = verdict;
      const serials = receipt.vouchers.map(({ serial }) => serial);
      const mayUndo = counter.client.serverNow() < Date.parse(receipt.undo_until);
      return (
        <Sheet tone="accepted" title={verdict.late ? words.acceptedLate : words.accepted} leavesAlone={leavesAlone} actions={<>
          {mayUndo && (
            <button type="button" class="on-verdict outline wide" data-testid="undo"
              onClick={() => counter.askUndo(receipt.redemption, receipt.cents, serials)}>
              <Icon name="undo" />{words.undo}
            </button>
          )}
          {goOn()}
        </>}>
          <p class="verdict-amount" data-testid="verdict-amount">{amount(receipt.cents)}</p>
          <p class="verdict-text">{words.acceptedText(receipt.vouchers.length)}</p>
          <p class="verdict-small">{serials.map(words.serial).join(" · ")}</p>
          {!verdict.late && <StillToPay entry={entry} />}
          {verdict.late && <AskedAt at={entry.madeAtMs} />}
        </Sheet>
      );
    }
    case "undone":
      return (
        <Sheet tone="undone" title={words.undone} actions={goOn()}>
          <p class="verdict-amount" data-testid="verdict-amount">{amount(verdict.cents)}</p>
          <p class="verdict-text">{words.undoneText}</p>
          <p class="verdict-small">{verdict.entry.serials.map(words.serial).join(" · ")}</p>
        </Sheet>
      );
    case "refused":
      return <Refused problem={verdict.problem} late={verdict.entry}
        action={goOn(verdict.entry && state.basket.length > 0 ? words.backToBasket : words.goOn)} />;
    case "foreign":
      return (
        <Sheet tone="foreign" title={verdict.pairing ? words.pairingSeen : words.foreign} leavesAlone actions={goOn()}>
          <p class="verdict-text">{verdict.pairing ? words.pairingSeenText : words.foreignText}</p>
        </Sheet>
      );
    case "silent":
      return (
        <Sheet tone="unknown" title={words.silent} actions={<>
          <button type="button" class="on-verdict solid wide" onClick={() => void counter.lookUp(verdict.voucher)} data-testid="verdict-retry">
            {words.retry}
          </button>
          <button type="button" class="on-verdict outline wide" onClick={() => void counter.dismiss()} data-testid="verdict-continue">
            {words.cancel}
          </button>
        </>}>
          <p class="verdict-text">{words.silentText}</p>
        </Sheet>
      );
    case "broken":
      return (
        <Sheet tone="refused" title={words.broken} actions={goOn()}>
          <p class="verdict-text">{words.brokenText}</p>
        </Sheet>
      );
  }
}

function Refused({ problem, late, action }: {
  problem: Problem;
  late: { cents: number; kind: string; madeAtMs: number } | null;
  action: JSX.Element;
}): JSX.Element {
  const { used } = problem;
  return (
    <Sheet tone="refused" title={words.refused} actions={action}>
      <p class="verdict-reason" data-testid="verdict-reason">{words.refusals[problem.reason] ?? words.refusedOther}</p>
      {used ? (
        <p class="verdict-text" data-testid="verdict-used">
          {used.own_shop ? words.usedOwnShop : used.shop_name ? words.usedElsewhere(used.shop_name) : words.usedUnknownShop}
          <br />
          {words.usedWhen(usedMoment(used.at), amount(used.cents))}
        </p>
      ) : problem.expires_on ? (
        <p class="verdict-text">{words.expiredOn(dayText(problem.expires_on, words.language))}</p>
      ) : (
        !problem.say && problem.detail && <p class="verdict-text">{problem.detail}</p>
      )}
      {problem.say && (
        <div class="say" data-testid="verdict-say">
          <p class="say-label"><Icon name="speech" />{words.say}</p>
          <p>{words.quoted(problem.say)}</p>
        </div>
      )}
      <p class="verdict-small">
        {problem.serial !== undefined && <>{words.serial(problem.serial)} · </>}
        {late?.kind !== "reversal" && <span class="unbroken">{words.nothingTaken}</span>}
      </p>
    </Sheet>
  );
}

/** Named as today's where it is: a paper taken a minute ago is another story than one taken last week. */
function usedMoment(at: string): string {
  const now = Date.now();
  const moment = momentText(at, now, words.language);
  return parisDay(Date.parse(at)) === parisDay(now) ? words.usedToday(moment) : moment;
}

/** The cashier's next gesture, when the sale was dearer than the vouchers. */
function StillToPay({ entry }: { entry: Entry }): JSX.Element | null {
  const { sale_cents: saleCents } = JSON.parse(entry.body) as { sale_cents: number | null };
  if (saleCents === null || saleCents <= entry.cents) return null;
  return <p class="verdict-text" data-testid="still-to-pay"><strong>{words.stillToPay(amount(saleCents - entry.cents))}</strong></p>;
}

function AskedAt({ at }: { at: number }): JSX.Element {
  return <p class="verdict-small">{words.askedAt(momentText(new Date(at).toISOString(), Date.now(), words.language))}</p>;
}
