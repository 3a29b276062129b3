// First use: the phone is tied to a shop, inside the app. A link opened by an iPhone's own camera would land in
// Safari, which shares no storage with the installed app: hence the app scans or takes the code itself.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Camera } from "../camera.ts";
import type { Decoder } from "../decoder.ts";
import { enrol } from "../enrolment.ts";
import type { Queue } from "../offline.ts";
import type { Entry } from "../outbox.ts";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icons.tsx";
import { Install, onIPhone } from "../parts/install.tsx";
import { Page } from "../parts/page.tsx";
import { Viewfinder } from "../parts/viewfinder.tsx";
import { pairingCodeFromText, readQr } from "../qr_text.ts";
import type { Till } from "../storage.ts";
import type { TillClient } from "../till.ts";
import * as words from "../words.ts";
import { Language } from "./menu.tsx";

interface Props {
  client: TillClient;
  camera: Camera;
  decoder: Decoder;
  code: string;
  revoked: boolean;
  leftBehind: readonly Entry[];
  queue: Queue;
  onPaired: (till: Till) => void;
}

export function Pairing({ client, camera, decoder, code, revoked, leftBehind, queue, onPaired }: Props): JSX.Element {
  const [typed, setTyped] = useState(code);
  const [label, setLabel] = useState(words.pairLabelDefault);
  const [mistake, setMistake] = useState<string | null>(null);
  const [scanning, setScanning] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => setTyped(code), [code]);

  const pair = async (): Promise<void> => {
    const pairingCode = pairingCodeFromText(typed);
    if (pairingCode === null) return setMistake(words.pairCodeWrong);
    setBusy(true);
    setMistake(null);
    try {
      const done = await enrol(client, pairingCode, label.trim() || words.pairLabelDefault);
      if (done.kind === "paired") return onPaired(done.till);
      setMistake(done.kind === "no_key" ? words.pairNoKey : done.problem.detail);
    } catch {
      setMistake(words.noAnswer);
    }
    setBusy(false);
  };

  if (scanning) {
    const onText = (text: string): void => {
      const seen = readQr(text, "");
      if (seen.kind !== "pairing") return setMistake(words.pairNotPairing);
      setTyped(seen.pairingCode);
      setMistake(null);
      setScanning(false);
    };
    return (
      <Page title={words.pairScan} screen="pairing-scan" onBack={() => setScanning(false)}>
        <Viewfinder camera={camera} decoder={decoder} eager onText={onText} />
        {mistake && <p class="mistake" role="alert">{mistake}</p>}
      </Page>
    );
  }

  return (
    <Page title={revoked ? words.revokedTitle : words.pairTitle} screen="pairing">
      <p class="lead">{revoked ? words.revokedIntro : words.pairIntro}</p>
      {onIPhone && <Install />}
      {queue.count > 0 && (
        <p class="notice" data-testid="revoked-queue">{words.revokedQueue(queue.count, words.amount(queue.cents))}</p>
      )}
      {leftBehind.length > 0 && (
        <div class="notice" data-testid="left-behind">
          <p>{words.leftBehind}</p>
          <ul>
            {leftBehind.map((entry) => (
              <li key={entry.key}>
                {new Date(entry.madeAtMs).toLocaleString(words.language)} · {words.amount(entry.cents)} ·{" "}
                {entry.serials.map(words.serial).join(", ")}
              </li>
            ))}
          </ul>
        </div>
      )}
      <button class="secondary wide" onClick={() => { setMistake(null); setScanning(true); }} data-testid="pair-scan">
        <Icon name="camera" />{words.pairScan}
      </button>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void pair(); }}>
        <Field name="pairing-code" label={words.pairCode} hint={words.pairCodeHint} mistake={mistake} value={typed}
          onText={setTyped} code maxLength={14} />
        <Field name="till-label" label={words.pairLabel} value={label} onText={setLabel} maxLength={60} />
        <button type="submit" class="primary wide" disabled={busy} data-testid="pair-go">
          {busy ? words.pairing : words.pairGo}
        </button>
      </form>
      {!onIPhone && <Install />}
      <Language />
    </Page>
  );
}
