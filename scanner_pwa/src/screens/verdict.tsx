// The answer, over the whole screen: colour, icon, word and amount each say it alone.
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Counter, State, Verdict } from "../counter.ts";
import { dayText, momentText, parisDay } from "../days.ts";
import type { Entry } from "../outbox.ts";
import { Icon } from "../parts/icons.tsx";
import { Actions, useTitle } from "../parts/page.tsx";
import * as words from "../words.ts";
import type { Problem } from "../wire.ts";

/** A good answer needs no tap: the next customer is here. A bad one stays until it was read. */
const GOOD_STAYS_MS = 4000;

const ICONS = {
  accepted: "check", offline: "clock", undone: "undo", refused: "cross", foreign: "foreign", unknown: "question", dispute: "warning",
} as const;

const orNext = <p class="verdict-small">{words.orNext}</p>;

interface SheetProps {
  tone: keyof typeof ICONS;
  title: string;
  children: ComponentChildren;
  actions: ComponentChildren;
  leavesAlone?: boolean;
}

export function Sheet({ tone, title, children, actions, leavesAlone = false }: SheetProps): JSX.Element {
  const heading = useTitle(title);
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
  const leavesAlone = (verdict.tone === "accepted" && !verdict.late) || verdict.tone === "offline";
  useEffect(() => {
    if (!leavesAlone) return undefined;
    const timer = setTimeout(() => void counter.dismiss(), GOOD_STAYS_MS);
    return () => clearTimeout(timer);
  }, [verdict]);

  const goOn = (label = words.goOn): JSX.Element => (
    <button class="on-verdict solid wide" onClick={() => void counter.dismiss()} data-testid="verdict-continue">
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
            <button class="on-verdict outline wide" data-testid="undo"
              onClick={() => counter.askUndo(receipt.redemption, receipt.cents, serials)}>
              <Icon name="undo" />{words.undo}
            </button>
          )}
          {goOn()}
        </>}>
          <Amount cents={receipt.cents} />
          <p class="verdict-text">{words.acceptedText(receipt.vouchers.length)}</p>
          <p class="verdict-small">{serials.map(words.serial).join(" · ")}</p>
          {verdict.late ? <AskedAt at={entry.madeAtMs} /> : <StillToPay saleCents={saleOf(entry)} cents={entry.cents} />}
        </Sheet>
      );
    }
    case "offline":
      return (
        <Sheet tone="offline" title={words.queued} leavesAlone={leavesAlone} actions={goOn()}>
          <Amount cents={verdict.cents} />
          <p class="verdict-text">{words.queuedText}</p>
          <p class="verdict-text"><strong>{words.keepPaper}</strong></p>
          <StillToPay saleCents={verdict.saleCents} cents={verdict.cents} />
        </Sheet>
      );
    case "undone":
      return (
        <Sheet tone="undone" title={words.undone} actions={goOn()}>
          <Amount cents={verdict.cents} />
          <p class="verdict-text">{words.undoneText}</p>
          <p class="verdict-small">{verdict.entry.serials.map(words.serial).join(" · ")}</p>
        </Sheet>
      );
    case "refused":
      return <Refused problem={verdict.problem} late={verdict.entry} culprit={verdict.culprit}
        action={goOn((verdict.entry ?? verdict.culprit) && state.basket.length > 0 ? words.backToBasket : words.goOn)} />;
    case "foreign": {
      const [title, text] = {
        foreign: [words.foreign, words.foreignText],
        pairing: [words.pairingSeen, words.pairingSeenText],
        training: [words.trainingSeen, words.trainingSeenText],
      }[verdict.what];
      return <Sheet tone="foreign" title={title!} actions={goOn()}><p class="verdict-text">{text}</p>{orNext}</Sheet>;
    }
    case "silent":
      return (
        <Sheet tone="unknown" title={words.silent} actions={<>
          <button class="on-verdict solid wide" onClick={() => void counter.lookUp(verdict.voucher)} data-testid="verdict-retry">
            {words.retry}
          </button>
          <button class="on-verdict outline wide" onClick={() => void counter.dismiss()} data-testid="verdict-continue">
            {words.cancel}
          </button>
        </>}>
          <p class="verdict-text">{words.silentText}</p>
          {orNext}
        </Sheet>
      );
    case "broken":
      return (
        <Sheet tone="refused" title={words.broken} actions={goOn()}>
          <p class="verdict-text">{words.brokenText}</p>
        </Sheet>
      );
    case "dispute": {
      const { result, acceptance } = verdict;
      const paid = result.guaranteed_cents ?? 0;
      const lost = result.outcome === "invalid";
      return (
        <Sheet tone="dispute" title={lost ? words.unread : words.disputed} actions={goOn()}>
          <Amount cents={acceptance.cents} />
          {result.reason && (
            <p class="verdict-reason" data-testid="verdict-reason">{words.refusals[result.reason] ?? words.refusedOther}</p>
          )}
          {result.used && <Used used={result.used} />}
          <p class="verdict-text" data-testid="verdict-guarantee">
            <strong>{lost ? words.unreadText : paid > 0 ? words.disputedPaid(words.amount(paid)) : words.disputedOpen}</strong>
          </p>
          <p class="verdict-small">
            {result.serial !== undefined && <>{words.serial(result.serial)} · </>}
            {words.disputedTaken(momentText(new Date(acceptance.takenAtMs).toISOString(), Date.now(), words.language))}
          </p>
        </Sheet>
      );
    }
  }
}

interface RefusedProps { problem: Problem; late: Entry | null; culprit: string | null; action: JSX.Element }

function Refused({ problem, late, culprit, action }: RefusedProps): JSX.Element {
  const { serial, used, say } = problem;
  const named = culprit ?? (late && late.serials.length > 1 && serial !== undefined ? words.serial(serial) : null);
  return (
    <Sheet tone="refused" title={words.refused} actions={action}>
      <p class="verdict-reason" data-testid="verdict-reason">{words.refusals[problem.reason] ?? words.refusedOther}</p>
      {named && <p class="verdict-text" data-testid="verdict-culprit"><strong>{words.culprit(named)}</strong></p>}
      {used ? <Used used={used} /> : problem.expires_on ? (
        <p class="verdict-text">{words.expiredOn(dayText(problem.expires_on, words.language))}</p>
      ) : (
        !say && problem.detail && <p class="verdict-text">{problem.detail}</p>
      )}
      {say && (
        <div class="say" data-testid="verdict-say">
          <p class="say-label"><Icon name="speech" />{words.say}</p>
          <p>{words.quoted(say)}</p>
        </div>
      )}
      <p class="verdict-small">
        {serial !== undefined && <>{words.serial(serial)} · </>}
        {late?.kind !== "reversal" && <span class="unbroken">{words.nothingTaken}</span>}
      </p>
      {orNext}
    </Sheet>
  );
}

function Amount({ cents }: { cents: number }): JSX.Element {
  return <p class="verdict-amount" data-testid="verdict-amount">{words.amount(cents)}</p>;
}

/** Where, and when: named as today's where it is, for a paper taken a minute ago is another story than one of last week. */
function Used({ used }: { used: NonNullable<Problem["used"]> }): JSX.Element {
  const now = Date.now();
  const moment = momentText(used.at, now, words.language);
  return (
    <p class="verdict-text" data-testid="verdict-used">
      {used.own_shop ? words.usedOwnShop : used.shop_name ? words.usedElsewhere(used.shop_name) : words.usedUnknownShop}
      <br />
      {parisDay(Date.parse(used.at)) === parisDay(now) ? words.usedToday(moment) : moment} · {words.amount(used.cents)}
    </p>
  );
}

function saleOf(entry: Entry): number | null {
  return (JSON.parse(entry.body) as { sale_cents: number | null }).sale_cents;
}

/** The cashier's next gesture, when the sale was dearer than the vouchers. */
function StillToPay({ saleCents, cents }: { saleCents: number | null; cents: number }): JSX.Element | null {
  if (saleCents === null || saleCents <= cents) return null;
  return <p class="verdict-text" data-testid="still-to-pay"><strong>{words.stillToPay(words.amount(saleCents - cents))}</strong></p>;
}

function AskedAt({ at }: { at: number }): JSX.Element {
  return <p class="verdict-small">{words.askedAt(momentText(new Date(at).toISOString(), Date.now(), words.language))}</p>;
}
