// Hand scanners that type, on the keyboards that they meet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ourReading, Wedge, type Key } from "../src/wedge.ts";

const HOST = "CHEQUES.EXAMPLE.FR";
const TEXT = `HTTPS://${HOST}/#${"AQZWM23456".repeat(3).slice(0, 25)}A`;

/** The keys of an American keyboard that write this text. */
function pressed(text: string): Key[] {
  const places: Record<string, [string, boolean]> = {
    ":": ["Semicolon", true], "/": ["Slash", false], ".": ["Period", false], "#": ["Digit3", true], "-": ["Minus", false],
  };
  return [...text].flatMap((char) => {
    const [code, shiftKey] = places[char] ?? (/\d/.test(char) ? [`Digit${char}`, false] : [`Key${char}`, true]);
    const key = { key: char, code, shiftKey };
    return shiftKey ? [{ key: "Shift", code: "ShiftLeft", shiftKey }, key] : [key];
  });
}

/** What the same keys write where a French keyboard is expected. */
function onAzerty(keys: Key[]): Key[] {
  const swapped: Record<string, string> = {
    KeyA: "Q", KeyQ: "A", KeyZ: "W", KeyW: "Z", KeyM: "?", Semicolon: "M", Slash: "!", Period: ":", Digit2: "é",
    Digit3: "3", Digit4: "'", Digit5: "(", Digit6: "-",
  };
  return keys.map((key) => ({ ...key, key: swapped[key.code] ?? key.key }));
}

function scan(keys: Key[], { gap = 8, end = "Enter" } = {}): readonly [string, string] | null {
  const wedge = new Wedge();
  let at = 1000;
  for (const key of keys) assert.equal(wedge.press(key, at += gap), null);
  return wedge.press({ key: end, code: end, shiftKey: false }, at + gap);
}

test("a scanner set as the phone is gives the text it read, with Enter or Tab", () => {
  for (const end of ["Enter", "Tab"]) assert.equal(scan(pressed(TEXT), { end })?.[0], TEXT);
  assert.equal(ourReading(scan(pressed(TEXT))!, HOST), TEXT);
});

test("an American scanner on a French keyboard is read by the places of its keys", () => {
  const readings = scan(onAzerty(pressed(TEXT)))!;
  assert.notEqual(readings[0], TEXT);
  assert.equal(ourReading(readings, HOST), TEXT);
});

test("a phone that names no places of keys is read by what was typed", () => {
  const nameless = pressed(TEXT).map((key) => ({ ...key, code: "" }));
  assert.equal(ourReading(scan(nameless)!, HOST), TEXT);
});

test("an article's bar code is a scan, for the till to call foreign", () => {
  const readings = scan(pressed("3017620422003"))!;
  assert.equal(ourReading(readings, HOST), "3017620422003");
});

test("fingers are no scanner, and what they typed before a scan is not part of it", () => {
  assert.equal(scan(pressed(TEXT), { gap: 300 }), null);
  assert.equal(scan(pressed("AB")), null);
  const wedge = new Wedge();
  wedge.press({ key: "x", code: "KeyX", shiftKey: false }, 0);
  let at = 5000;
  for (const key of pressed(TEXT)) wedge.press(key, at += 5);
  assert.equal(wedge.press({ key: "Enter", code: "Enter", shiftKey: false }, at + 5)?.[0], TEXT);
  assert.equal(wedge.press({ key: "Enter", code: "Enter", shiftKey: false }, at + 9), null, "read once");
});
