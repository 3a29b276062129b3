// Which screen is shown. Everything that decides lives in counter.ts; everything that is said lives in words.ts.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Camera } from "./camera.ts";
import type { Counter, State, Verdict } from "./counter.ts";
import type { Decoder } from "./decoder.ts";
import type { Entry, Outbox } from "./outbox.ts";
import { NextVoucher } from "./parts/viewfinder.tsx";
import { keepAwake } from "./presence.ts";
import { AskingScreen } from "./screens/asking.tsx";
import { BasketScreen } from "./screens/basket.tsx";
import { CashierScreen } from "./screens/cashier.tsx";
import { CounterScreen } from "./screens/counter.tsx";
import { MenuScreen } from "./screens/menu.tsx";
import { OwnerScreen } from "./screens/owner.tsx";
import { Pairing } from "./screens/pairing.tsx";
import { ElsewhereScreen, StorageScreen } from "./screens/stopped.tsx";
import { AccountScreen, DisputesScreen, QueueScreen, SearchScreen, TodayScreen } from "./screens/today.tsx";
import { TypedScreen } from "./screens/typed.tsx";
import { UndoScreen } from "./screens/undo.tsx";
import { VerdictScreen } from "./screens/verdict.tsx";
import type { Till } from "./storage.ts";
import { listen, ourReading } from "./wedge.ts";
import * as words from "./words.ts";

/** These verdicts stay until they are touched, or until the next voucher is shown. */
const stays = (verdict: Verdict): boolean =>
  ["refused", "foreign", "silent", "dispute"].includes(verdict.tone) || (verdict.tone === "accepted" && verdict.late);

export interface Parts {
  counter: Counter;
  outbox: Outbox;
  camera: Camera;
  decoder: Decoder;
  /** Of the link that opened the app, or "". */
  pairingCode: string;
  onIdle: (idle: boolean) => void;
}

export function App({ counter, outbox, camera, decoder, pairingCode, onIdle }: Parts): JSX.Element {
  const [state, setState] = useState<State>(counter.state);
  const [till, setTill] = useState<Till | null>(counter.client.till);
  const [linkedCode, setLinkedCode] = useState(pairingCode);
  const [cameraAsked, setCameraAsked] = useState(false);
  const [leftBehind, setLeftBehind] = useState<readonly Entry[]>([]);
  const revoked = state.stage.at === "revoked";

  useEffect(() => {
    const show = (): void => {
      setState(counter.state);
      setTill(counter.client.till);
    };
    show(); // what happened before anybody listened
    return counter.onChange(show);
  }, [counter]);
  useEffect(() => (till ? keepAwake() : undefined), [till]);
  useEffect(() => listen((readings) => counter.read(ourReading(readings, counter.client.till?.programme.host ?? ""))), [counter]);
  useEffect(() => onIdle(till !== null && counter.idle), [state, till]);
  useEffect(() => {
    if (!till || revoked) void outbox.left(null).then(setLeftBehind, () => setLeftBehind([]));
  }, [till, revoked]);

  const onPaired = (paired: Till): void => {
    counter.client.till = paired;
    setTill(paired);
    setLinkedCode(""); // it has served
    setCameraAsked(true);
    counter.backToCounter();
    void counter.open().catch(() => counter.stop());
  };

  return <>
    <p class="unseen" role="status" aria-live="assertive" data-testid="announcement">{announcement(state)}</p>
    {state.training && <p class="training" role="status" data-testid="training">{words.trainingBanner}</p>}
    {state.stage.at === "storage" ? <StorageScreen /> : state.stage.at === "elsewhere" ? <ElsewhereScreen counter={counter} />
      : !till || revoked
      ? <Pairing client={counter.client} camera={camera} decoder={decoder} code={linkedCode} revoked={revoked}
          leftBehind={leftBehind} queue={state.queue} onPaired={onPaired} />
      : <Screen counter={counter} state={state} till={till} camera={camera} decoder={decoder} eager={cameraAsked}
          onOpened={() => setCameraAsked(true)} />}
  </>;
}

interface ScreenProps {
  counter: Counter;
  state: State;
  till: Till;
  camera: Camera;
  decoder: Decoder;
  eager: boolean;
  onOpened: () => void;
}

function Screen(props: ScreenProps): JSX.Element {
  const { counter, state, till } = props;
  const { stage } = state;
  switch (stage.at) {
    case "basket": return <BasketScreen key={state.basket.length} counter={counter} state={state} till={till} />;
    case "asking": return <AskingScreen counter={counter} state={state} entryKey={stage.key} />;
    case "verdict": return <>
      <VerdictScreen {...props} verdict={stage.verdict} />
      {stays(stage.verdict) && <NextVoucher {...props} onText={(text) => counter.read(text)} />}
    </>;
    case "undo": return <UndoScreen counter={counter} state={state} stage={stage} />;
    case "typed": return <TypedScreen counter={counter} />;
    case "today": return <TodayScreen {...props} />;
    case "search": return <SearchScreen {...props} />;
    case "account": return <AccountScreen {...props} />;
    case "disputes": return <DisputesScreen {...props} />;
    case "queue": return <QueueScreen {...props} />;
    case "cashier": return <CashierScreen counter={counter} state={state} />;
    case "menu": return <MenuScreen {...props} />;
    case "owner": return <OwnerScreen {...props} />;
    default: return <CounterScreen {...props} />;
  }
}

/** What a screen reader says by itself; the titles that take the focus say the rest. */
function announcement(state: State): string {
  const { stage } = state;
  if (stage.at === "looking") return words.looking;
  if (stage.at === "asking") {
    const failures = state.waiting.find(({ entry }) => entry.key === stage.key)?.failures ?? 0;
    return failures > 0 ? `${words.unknownTitle}. ${words.unknownText}` : words.asking;
  }
  if (stage.at === "counter") return state.note?.text ?? "";
  if (stage.at !== "verdict") return "";
  const { verdict } = stage;
  if (verdict.tone === "accepted") return `${words.accepted} ${words.amount(verdict.receipt.cents)}`;
  if (verdict.tone === "offline") return `${words.queued} ${words.amount(verdict.cents)}`;
  if (verdict.tone === "dispute") return verdict.result.outcome === "invalid" ? words.unread : words.disputed;
  if (verdict.tone === "refused") {
    return `${words.refused}. ${words.refusals[verdict.problem.reason] ?? words.refusedOther}. ${verdict.problem.say ?? ""}`;
  }
  return "";
}
