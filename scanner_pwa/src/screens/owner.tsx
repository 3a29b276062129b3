// "Ma boutique": the owner signs in on the shop's phone for a minute. Leaving the screen signs out.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Counter } from "../counter.ts";
import { dayText, momentText } from "../days.ts";
import { Desk, save } from "../desk.ts";
import { Field } from "../parts/field.tsx";
import { Page } from "../parts/page.tsx";
import type { Till } from "../storage.ts";
import * as words from "../words.ts";

interface Listed<T> { items: T[] }
interface OneTill { till_id: number; label: string; paired_at: string; revoked_at: string | null; weak?: boolean }
interface Cashier { id: number; name: string }
interface Rule { ask_cashier: "never" | "always"; undo_pin: boolean }
interface Paid { run_number: number; to_on: string; net_cents: number }
interface Shop { tills: OneTill[]; cashiers: Cashier[]; rule: Rule; paid: Paid[] }

/** Older statements are for the desk, not for a phone. */
const MOST_STATEMENTS = 12;

export function OwnerScreen({ counter, till }: { counter: Counter; till: Till }): JSX.Element {
  const [desk, setDesk] = useState<Desk | null>(null);
  const onLeave = (): void => {
    counter.show("menu");
  };
  useEffect(() => () => desk?.leave(), [desk]);
  useEffect(() => () => void counter.refresh(), []); // the cashiers may be others now
  return (
    <Page title={words.owner} screen="owner" onBack={onLeave}>
      {desk ? <Corner desk={desk} till={till} onLeave={onLeave} /> : <SignIn onDesk={setDesk} />}
    </Page>
  );
}

function SignIn({ onDesk }: { onDesk: (desk: Desk) => void }): JSX.Element {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { busy, mistake, run } = useWork();
  return (
    <form class="stack" onSubmit={(event) => {
      event.preventDefault();
      run(async () => onDesk(await Desk.signIn(email.trim(), password)));
    }}>
      <p class="lead">{words.ownerIntro}</p>
      <Field name="email" label={words.email} value={email} onText={setEmail} type="email" fill="username" />
      <Field name="password" label={words.password} value={password} onText={setPassword} type="password" fill="current-password"
        mistake={mistake} />
      <button type="submit" class="primary wide" disabled={busy || !email || !password} data-testid="sign-in">{words.signIn}</button>
    </form>
  );
}

function Corner({ desk, till, onLeave }: { desk: Desk; till: Till; onLeave: () => void }): JSX.Element {
  const [shop, setShop] = useState<Shop | null>(null);
  const [editing, setEditing] = useState<number | null>(null);
  const [code, setCode] = useState<{ code: string; expires_at: string } | null>(null);
  const [name, setName] = useState("");
  const [pin, setPin] = useState("");
  const [undoPin, setUndoPin] = useState("");
  const { busy, mistake, run } = useWork();
  const programme = `programmes/${till.programme.id}`;
  const merchant = `${programme}/merchants/${till.merchant.id}`;
  const now = Date.now();
  const moment = (instant: string): string => momentText(instant, now, words.language);

  const load = async (): Promise<void> => {
    const [tills, cashiers, rule, paid] = await Promise.all([
      desk.read<Listed<OneTill>>(`${merchant}/tills`),
      desk.read<Listed<Cashier>>(`${merchant}/cashiers`),
      desk.read<Rule>(`${merchant}/counter-rule`),
      desk.read<Listed<Paid>>(`${merchant}/payments?limit=${MOST_STATEMENTS}`),
    ]);
    setShop({
      tills: tills.items.filter((one) => !one.revoked_at),
      cashiers: cashiers.items,
      rule,
      paid: paid.items,
    });
  };
  /** `done` empties the form that was sent, and no other. */
  const change = (path: string, body: object, method = "POST", done?: () => void): void => run(async () => {
    await desk.write(path, body, method);
    done?.();
    await load();
  });
  const setRule = (rule: object, done?: () => void): void =>
    change(`${merchant}/counter-rule`, { ask_cashier: shop!.rule.ask_cashier, undo_pin: "keep", ...rule }, "PUT", done);
  const close = (): void => setEditing(null);
  useEffect(() => run(load), []);

  return <>
    {mistake && <p class="mistake" role="alert" data-testid="owner-mistake">{mistake}</p>}
    {!shop && !mistake && <p class="lead">{words.reading}</p>}
    {shop && <>
      <Part title={words.tills}>
        <ul class="day">
          {shop.tills.map((one) => (
            <li key={one.till_id} data-testid="owner-till">
              <div>
                <p>{one.label}</p>
                <p class="hint">{moment(one.paired_at)}{one.till_id === till.tillId && ` · ${words.thisPhone}`}</p>
                {one.weak && <p class="mistake">{words.weak}</p>}
              </div>
              {editing === one.till_id
                ? <EditTill one={one} busy={busy} onCancel={close}
                    onLabel={(label) => change(`${programme}/tills/${one.till_id}/label`, { label }, "PUT", close)}
                    onRevoke={() => change(`${programme}/tills/${one.till_id}/revocation`, { reason: words.revokeReason }, "POST", close)} />
                : (
                  <button class="secondary" aria-label={`${words.edit} ${one.label}`} onClick={() => setEditing(one.till_id)}
                    data-testid="till-edit">{words.edit}</button>
                )}
            </li>
          ))}
        </ul>
        {code && (
          <div class="notice calm" role="status" data-testid="new-code">
            <p class="big-code">{code.code.slice(0, 5)} {code.code.slice(5)}</p>
            <p class="hint">{words.newCode(moment(code.expires_at), `${location.host}/till/`)}</p>
          </div>
        )}
        <button class="secondary wide" disabled={busy} data-testid="till-add"
          onClick={() => run(async () => setCode(await desk.write(`${merchant}/pairing-codes`, {})))}>{words.tillAdd}</button>
      </Part>

      <Part title={words.cashiers}>
        {shop.cashiers.length > 0 && (
          <ul class="day">
            {shop.cashiers.map((one) => (
              <li key={one.id} data-testid="owner-cashier">
                <p>{one.name}</p>
                <Sure busy={busy} name={one.name} onYes={() => change(`${merchant}/cashiers/${one.id}/removal`, {})} />
              </li>
            ))}
          </ul>
        )}
        <form class="stack" onSubmit={(event) => {
          event.preventDefault();
          change(`${merchant}/cashiers`, { name: name.trim(), pin }, "POST", () => {
            setName("");
            setPin("");
          });
        }}>
          <Field name="cashier-name" label={words.cashierName} value={name} onText={setName} maxLength={40} />
          <Field name="cashier-pin" label={words.cashierPin} value={pin} onText={setPin} keyboard="numeric" maxLength={4} />
          <button type="submit" class="secondary wide" disabled={busy || !name.trim() || !isPin(pin)} data-testid="cashier-add">
            {words.add}
          </button>
        </form>
        <label class="tick">
          <input type="checkbox" checked={shop.rule.ask_cashier === "always"} disabled={busy} data-testid="ask-cashier"
            onChange={(event) => {
              const ask_cashier = event.currentTarget.checked ? "always" : "never";
              setShop({ ...shop, rule: { ...shop.rule, ask_cashier } }); // the tick stays where the finger put it
              setRule({ ask_cashier });
            }} />
          {words.askCashier}
        </label>
      </Part>

      <Part title={words.undoPin}>
        <p class="hint">{shop.rule.undo_pin ? words.undoPinOn : words.undoPinOff}</p>
        <form class="stack" onSubmit={(event) => {
          event.preventDefault();
          setRule({ undo_pin: undoPin }, () => setUndoPin(""));
        }}>
          <Field name="undo-pin" label={words.undoPinNew} value={undoPin} onText={setUndoPin} keyboard="numeric" maxLength={4} />
          <button type="submit" class="secondary wide" disabled={busy || !isPin(undoPin)} data-testid="undo-pin-set">
            {words.keep}
          </button>
        </form>
        {shop.rule.undo_pin && <Sure busy={busy} name={words.undoPin} onYes={() => setRule({ undo_pin: null })} />}
      </Part>

      <Part title={words.statements}>
        {shop.paid.length === 0 && <p class="hint">{words.none}</p>}
        <ul class="stack">
          {shop.paid.map(({ run_number, to_on, net_cents }) => (
            <li key={run_number}>
              <button class="secondary wide" disabled={busy} data-testid="statement"
                onClick={() => run(async () => {
                  const path = `${programme}/settlements/${run_number}/merchants/${till.merchant.id}/statement`;
                  save(await desk.file(path), `releve-R${till.programme.id}-${run_number}-${till.merchant.id}.pdf`);
                })}>
                {words.statement(dayText(to_on, words.language), words.amount(net_cents))}
              </button>
            </li>
          ))}
        </ul>
      </Part>
      <button class="primary wide" onClick={onLeave} data-testid="sign-out">{words.signOut}</button>
    </>}
  </>;
}

function EditTill({ one, busy, onLabel, onRevoke, onCancel }: {
  one: OneTill; busy: boolean; onLabel: (label: string) => void; onRevoke: () => void; onCancel: () => void;
}): JSX.Element {
  const [label, setLabel] = useState(one.label);
  return (
    <form class="stack whole" onSubmit={(event) => { event.preventDefault(); onLabel(label.trim()); }}>
      <Field name="till-label" label={words.tillName} value={label} onText={setLabel} maxLength={60} />
      <button type="submit" class="primary" disabled={busy || !label.trim()} data-testid="till-rename">{words.keep}</button>
      <Sure busy={busy} name={one.label} onYes={onRevoke} />
      <button type="button" class="plain" onClick={onCancel}>{words.cancel}</button>
    </form>
  );
}

/** Takes something away, at the second tap. */
function Sure({ name, busy, onYes }: { name: string; busy: boolean; onYes: () => void }): JSX.Element {
  const [asked, setAsked] = useState(false);
  const text = asked ? words.removeSure : words.remove;
  return (
    <button type="button" class={asked ? "danger" : "secondary"} disabled={busy} aria-label={`${text} ${name}`} data-testid="remove"
      onClick={() => (asked ? onYes() : setAsked(true))} onBlur={() => setAsked(false)}>{text}</button>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return <section class="stack part"><h2>{title}</h2>{children}</section>;
}

const isPin = (text: string): boolean => /^\d{4}$/.test(text);

/** One thing at a time, its refusal shown. */
function useWork(): { busy: boolean; mistake: string | null; run: (work: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [mistake, setMistake] = useState<string | null>(null);
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    setMistake(null);
    void work().catch((reason: Error) => setMistake(reason.message)).then(() => setBusy(false));
  };
  return { busy, mistake, run };
}
