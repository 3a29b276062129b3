// The way in for a torn QR: serial and control code, as printed under it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Counter } from "../counter.ts";
import { Field } from "../parts/field.tsx";
import { Page } from "../parts/page.tsx";
import { controlCodeFromText, serialFromText } from "../qr_text.ts";
import * as words from "../words.ts";

export function TypedScreen({ counter }: { counter: Counter }): JSX.Element {
  const [serialText, setSerialText] = useState("");
  const [controlText, setControlText] = useState("");
  const [checked, setChecked] = useState(false);
  const serial = serialFromText(serialText);
  const controlCode = controlCodeFromText(controlText);
  const check = (): void => {
    setChecked(true);
    if (serial !== null && controlCode !== null) void counter.lookUp({ serial, control_code: controlCode });
  };
  return (
    <Page title={words.typedTitle} screen="typed" onBack={() => counter.backToCounter()}>
      <p class="lead">{words.typedIntro}</p>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); check(); }}>
        <Field name="typed-serial" label={words.typedSerial} value={serialText} onText={setSerialText} keyboard="numeric"
          mistake={checked && serial === null ? words.typedSerialWrong : null} maxLength={16} code />
        <Field name="typed-control" label={words.typedControl} hint={words.typedControlHint} value={controlText}
          onText={setControlText} code mistake={checked && controlCode === null ? words.typedControlWrong : null} maxLength={14} />
        <button type="submit" class="primary wide" data-testid="typed-go">{words.typedGo}</button>
      </form>
    </Page>
  );
}
