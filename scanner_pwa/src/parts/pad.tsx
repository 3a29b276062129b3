// Four digits on large keys. The keys of a keyboard work too.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { KEY_MS } from "../wedge.ts";
import * as words from "../words.ts";
import { Icon } from "./icons.tsx";

const LONG = 4;

/** `onPin` gives what was wrong with the four digits, or null when the screen goes away by itself. */
export function Pad({ label, onPin }: { label: string; onPin: (pin: string) => Promise<string | null> }): JSX.Element {
  const [pin, setPin] = useState("");
  const [mistake, setMistake] = useState<string | null>(null);
  const press = (key: string): void => {
    setMistake(null);
    setPin((now) => (key === "" ? now.slice(0, -1) : (now + key).slice(0, LONG)));
  };
  useEffect(() => {
    if (pin.length < LONG) return;
    void onPin(pin).catch(() => words.broken).then((wrong) => {
      setMistake(wrong);
      setPin("");
    });
  }, [pin]);
  useEffect(() => {
    let run = "";
    let timer = 0;
    // Digits in the middle of a scanner's run are nobody's try.
    const stop = (): void => {
      if (/^\d{1,4}$/.test(run)) [...run].forEach(press);
      run = "";
    };
    const typed = ({ key }: KeyboardEvent): void => {
      if (key === "Backspace") press("");
      if (key.length > 1) return;
      run += key;
      clearTimeout(timer);
      timer = window.setTimeout(stop, KEY_MS);
    };
    addEventListener("keydown", typed);
    return () => {
      clearTimeout(timer);
      removeEventListener("keydown", typed);
    };
  }, []);
  return (
    <div class="pad" role="group" aria-label={label} data-testid="pad">
      <p class="unseen" role="status">{words.pinTyped(pin.length)}</p>
      <p class="pad-dots" aria-hidden="true">{"●".repeat(pin.length)}{"○".repeat(LONG - pin.length)}</p>
      {mistake && <p class="mistake" role="alert">{mistake}</p>}
      {["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", ""].map((key) => (
        <button key={key} class="secondary" onClick={() => press(key)} aria-label={key || words.pinBack}
          data-testid={`pad-${key || "back"}`}>
          {key || <Icon name="back" />}
        </button>
      ))}
    </div>
  );
}
