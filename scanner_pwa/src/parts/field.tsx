// A labelled input with its hint and its mistake, tied together for screen readers.
import type { JSX } from "preact";

interface Props {
  name: string;
  label: string;
  hint?: string;
  mistake?: string | null;
  value: string;
  onText: (text: string) => void;
  type?: "text" | "email" | "password";
  keyboard?: "text" | "numeric" | "decimal" | "email";
  /** What the browser's password keeper may fill in. */
  fill?: "username" | "current-password";
  code?: boolean;
  maxLength?: number;
}

export function Field(props: Props): JSX.Element {
  const { name, label, hint, mistake, value, onText, type = "text", keyboard, fill, code, maxLength } = props;
  const about = [hint ? `${name}-hint` : "", mistake ? `${name}-mistake` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        data-testid={name}
        class={code ? "code" : undefined}
        type={type as "text"} // or another that takes the same attributes
        value={value}
        inputMode={keyboard}
        autoComplete={fill ?? "off"}
        autoCapitalize={code ? "characters" : fill ? "none" : "sentences"}
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
