// Which screen is shown. Everything that decides lives in counter.ts; everything that is said lives in words.ts.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Camera } from "./camera.ts";
import type { Counter, State } from "./counter.ts";
import type { Decoder } from "./decoder.ts";
import { euros } from "./money.ts";
import type { Entry, Outbox } from "./outbox.ts";
import { keepAwake } from "./presence.ts";
import { AskingScreen } from "./screens/asking.tsx";
import { BasketScreen } from "./screens/basket.tsx";
import { CounterScreen } from "./screens/counter.tsx";
import { Pairing } from "./screens/pairing.tsx";
import { TodayScreen } from "./screens/today.tsx";
import { TypedScreen } from "./screens/typed.tsx";
import { UndoScreen } from "./screens/undo.tsx";
import { VerdictScreen } from "./screens/verdict.tsx";
import type { Till } from "./storage.ts";
import { words } from "./words.ts";

export interface Parts {
  counter: Counter;
  outbox: Outbox;
  camera: Camera;
  decoder: Decoder;
  /** Of the link that opened the app, or "". */
  pairingCode: string;
  onIdle: () => void;
}

export function App({ counter, outbox, camera, decoder, pairingCode, onIdle }: Parts): JSX.Element {
  const [state, setState] = useState<State>(counter.state);
  const [till, setTill] = useState<Till | null>(counter.client.till);
  const [linkedCode, setLinkedCode] = useState(pairingCode);
  const [cameraAsked, setCameraAsked] = useState(false);
  const [leftBehind, setLeftBehind] = useState<readonly Entry[]>([]);
  const revoked = state.stage.at === "revoked";

  useEffect(() => counter.onChange(setState), [counter]);
  useEffect(() => (till ? keepAwake() : undefined), [till]);
  useEffect(() => {
    const idle = state.stage.at === "counter" && state.basket.length === 0 && state.waiting.length === 0;
    if (idle && till) onIdle();
  }, [state, till]);
  useEffect(() => {
    if (!till || revoked) void outbox.left(null).then(setLeftBehind, () => setLeftBehind([]));
  }, [till, revoked]);

  const onPaired = (paired: Till): void => {
    counter.client.till = paired;
    setTill(paired);
    setLinkedCode(""); // it has served
    setCameraAsked(true);
    counter.backToCounter();
    void counter.open();
  };

  return <>
    <p class="unseen" role="status" aria-live="assertive" data-testid="announcement">{announcement(state)}</p>
    {!till || revoked
      ? <Pairing client={counter.client} camera={camera} decoder={decoder} code={linkedCode} revoked={revoked}
          leftBehind={leftBehind} onPaired={onPaired} />
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
    case "verdict": return <VerdictScreen counter={counter} verdict={stage.verdict} state={state} />;
    case "undo": return <UndoScreen counter={counter} cents={stage.cents} serials={stage.serials} />;
    case "typed": return <TypedScreen counter={counter} />;
    case "today": return <TodayScreen counter={counter} windowMinutes={till.programme.reversal_window_minutes} />;
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
  if (verdict.tone === "accepted") return `${words.accepted} ${euros(verdict.receipt.cents, words.language)}`;
  if (verdict.tone === "refused") {
    return `${words.refused}. ${words.refusals[verdict.problem.reason] ?? words.refusedOther}. ${verdict.problem.say ?? ""}`;
  }
  return "";
}
