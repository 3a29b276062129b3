// A pile of paper that came by post: every voucher shown to the camera, read by a hand scanner or typed is sent behind
// the page, one after the other, each under a key of its own, so that asking again never counts it twice.
import { Camera, cameraAllowed, type CameraTrouble } from "../src/camera.ts";
import { Decoder, watch } from "../src/decoder.ts";
import { feedback, unlockSound } from "../src/feedback.ts";
import { readQr } from "../src/qr_text.ts";
import { Sight } from "../src/sight.ts";
import { listen, ourReading } from "../src/wedge.ts";

const AGAIN_MS = [1000, 3000, 6000];

interface Answer {
  outcome: string; tone?: string; line?: number; serial?: string; amount?: string; text: string; advice: string;
  count?: string; cents?: string; refused?: string; missing?: string;
}

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const pile = at("pile");
const form = at<HTMLFormElement>("lire");
const field = at<HTMLInputElement>("f-read");
const host = pile.dataset.host ?? "";
const camera = new Camera();
const sight = new Sight();
let decoder: Decoder | null = null;
let stop: (() => void) | null = null;
let last: Promise<void> = Promise.resolve();

// ── From a paper to its answer ──
function take(text: string): void {
  const key = crypto.randomUUID();
  last = last.then(() => send(text, key));
}

async function send(text: string, key: string): Promise<void> {
  for (const pause of [...AGAIN_MS, 0]) {
    try {
      const answer = await ask(text, key);
      if (answer) return tell(answer);
      return location.reload(); // signed out meanwhile: the page says so
    } catch {
      say("wait", "", "", pile.dataset.failed ?? "");
    }
    if (pause) await new Promise((done) => setTimeout(done, pause));
  }
  say("bad", "", "", pile.dataset.lost ?? "");
  feedback.unsure();
  sight.release(performance.now());
}

async function ask(read: string, key: string): Promise<Answer | null> {
  const csrf = new FormData(form).get("csrf");
  const answer = await fetch(form.action.replace(/#.*/, ""), {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ csrf: String(csrf), key, read }),
  });
  if (answer.status >= 500) throw new Error(String(answer.status));
  return answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() as Answer : null;
}

function tell(answer: Answer): void {
  const { outcome, tone = "wait", serial = "", amount = "", text, advice } = answer;
  say(tone, serial, amount, text, advice);
  if (outcome === "accepted") feedback.accepted();
  else if (outcome === "refused") feedback.refused();
  else feedback.unsure();
  if (outcome === "unread") return;
  const [count, cents, missing, refused] = document.querySelectorAll("dl.figures dd");
  put(count, answer.count);
  put(cents, answer.cents);
  put(missing, answer.missing);
  put(refused, answer.refused);
  if (outcome === "already") return;
  document.getElementById("none")?.remove();
  at("papers").prepend(row(tone, serial, amount, text, ""));
  if (outcome === "refused") {
    at("refused").hidden = false;
    at("aside").prepend(row(tone, serial, amount, text, advice));
  }
}

function put(place: Element | undefined, value: string | undefined): void {
  if (place?.firstChild && value !== undefined) place.firstChild.textContent = value;
}

function say(tone: string, serial: string, amount: string, text: string, advice = ""): void {
  const verdict = at("verdict");
  verdict.dataset.tone = tone;
  const [first, second] = verdict.querySelectorAll("p");
  first!.querySelector("strong")!.textContent = [serial, amount].filter(Boolean).join(" · ");
  first!.querySelector("span")!.textContent = text;
  second!.textContent = advice;
}

function row(tone: string, serial: string, amount: string, text: string, advice: string): HTMLLIElement {
  const item = document.createElement("li");
  item.className = tone;
  const parts: [string, string][] = [["strong", serial || "?"], ["span", amount], ["span", text], ["small", advice]];
  for (const [name, said] of parts) {
    if (!said) continue;
    const part = document.createElement(name);
    part.textContent = said;
    item.append(part, " ");
  }
  return item;
}

// ── By hand, by a hand scanner ──
document.addEventListener("submit", (event) => {
  if (event.target !== form) return;
  event.preventDefault();
  event.stopPropagation();
  const text = field.value.trim();
  field.value = "";
  if (text) take(text);
}, true);
listen((readings) => onText(ourReading(readings, host)));

// ── By the camera ──
function onText(text: string): void {
  const read = readQr(text, host);
  if (read.kind === "voucher") return take(read.code);
  say("wait", "", "", pile.dataset.foreign ?? "");
  feedback.unsure();
}

async function look(): Promise<void> {
  const view = at<HTMLVideoElement>("view");
  at("trouble").hidden = true;
  stop?.();
  try {
    view.srcObject = await camera.open();
    await view.play();
  } catch (reason) {
    const trouble = at("trouble");
    trouble.textContent = pile.dataset[reason as CameraTrouble] ?? pile.dataset.busy ?? "";
    trouble.hidden = false;
    at("camera").hidden = false;
    return;
  }
  view.hidden = false;
  at("camera").hidden = true;
  decoder ??= new Decoder();
  stop = watch(view, decoder, (text) => {
    if (sight.isNew(text, performance.now())) onText(text);
  }, { onStill: () => void reopen() });
}

async function reopen(): Promise<void> {
  camera.close();
  await look();
}

addEventListener("pointerdown", unlockSound, { once: true });
at("camera").addEventListener("click", () => void look());
at("camera").hidden = false;
void cameraAllowed().then((allowed) => (allowed ? look() : undefined));
