// A labelled input with its hint and its mistake, tied together for screen readers.
import type { JSX } from "preact";

interface Props {
  name: string;
  label: string;
  hint?: string;
  mistake?: string | null;
  value: string;
  onText: (text: string) => void;
  keyboard?: "text" | "numeric" | "decimal";
  code?: boolean;
  maxLength?: number;
}

export function Field({ name, label, hint, mistake, value, onText, keyboard = "text", code, maxLength }: Props): JSX.Element {
  const about = [hint ? `${name}-hint` : "", mistake ? `${name}-mistake` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        data-testid={name}
        class={code ? "code" : undefined}
        value={value}
        inputMode={keyboard}
        autoComplete="off"
        autoCapitalize={code ? "characters" : "sentences"}
        autoCorrect="off"
        spellcheck={false}
        enterKeyHint="done"
        {...(maxLength ? { maxLength } : {})}
        {...(about ? { "aria-describedby": about } : {})}
        {...(mistake ? { "aria-invalid": true } : {})}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      {hint && <p class="hint" id={`${name}-hint`}>{hint}</p>}
      {mistake && <p class="mistake" id={`${name}-mistake`} role="alert">{mistake}</p>}
    </div>
  );
}
