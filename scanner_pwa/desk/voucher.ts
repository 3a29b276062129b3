// The page behind a voucher's QR code. The code stands behind the # of the address: it is taken off the address bar
// before anything else is done, sent once in a body, and kept in no place but this closure, for another try without
// network. Every sentence is a template that the server drew in the reader's language.
interface Genuine {
  state: string;
  face_cents: number;
  balance_cents: number;
  expires_on: string;
  programme_id: number;
  programme: string;
}

const PATIENCE_MS = 15_000;
const DAY_MS = 86_400_000;
const said = document.getElementById("said") as HTMLElement;
const ask = document.getElementById("ask");
const another = document.getElementById("again") as HTMLElement;
const language = document.documentElement.lang;
let asked = 0;

function readAddress(): void {
  const fragment = location.hash.slice(1);
  if (!fragment || document.getElementById(fragment)) return;
  history.replaceState(null, "", location.pathname);
  void check(fragment.trim().toUpperCase());
}

async function check(code: string): Promise<void> {
  const turn = ++asked;
  if (ask) ask.hidden = true;
  another.hidden = true;
  said.textContent = said.dataset["asking"] ?? "";
  said.classList.add("asking");
  const [state, held] = code.startsWith("TRAINING") ? ["training", null] as const : await answerTo(code);
  // Another paper was scanned meanwhile: its answer is the one to show.
  if (turn === asked) show(state, held, code);
}

async function answerTo(code: string): Promise<readonly [string, Genuine | null]> {
  try {
    const answer = await fetch("/api/v1/public/voucher", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code: code.slice(0, 100) }),
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout?.(PATIENCE_MS) ?? null,
    });
    if (answer.ok) {
      const held = (await answer.json()) as Genuine;
      return [held.state, held];
    }
    return [answer.status === 404 ? "unknown" : answer.status === 429 ? "too_many" : "no_network", null];
  } catch {
    return ["no_network", null];
  }
}

function show(state: string, held: Genuine | null, code: string): void {
  const template = document.getElementById(`say-${state}`) as HTMLTemplateElement | null;
  if (!template) return;
  const drawn = template.content.cloneNode(true) as DocumentFragment;
  if (held) fill(drawn, held);
  drawn.querySelector("[data-again]")?.addEventListener("click", () => void check(code));
  said.classList.remove("asking");
  said.replaceChildren(drawn);
  another.hidden = false;
  said.focus();
}

function fill(drawn: DocumentFragment, held: Genuine): void {
  const put = (slot: string, text: string): void => {
    const place = drawn.querySelector<HTMLElement>(`[data-slot=${slot}]`);
    if (!place) return;
    place.textContent = text;
    place.hidden = text === "";
  };
  const words = said.dataset;
  put("balance", euros(held.balance_cents));
  put("face", held.face_cents === held.balance_cents ? "" : (words["face"] ?? "").replace("{amount}", euros(held.face_cents)));
  put("day", day(held.expires_on));
  put("left", left(held.expires_on));
  put("programme", held.programme);
  drawn.querySelector<HTMLAnchorElement>("[data-slot=shops]")?.setAttribute("href", `/commerces/${held.programme_id}`);
}

function left(until: string): string {
  const words = said.dataset;
  const days = Math.round((Date.parse(until) - Date.parse(words["today"] ?? "")) / DAY_MS);
  if (!(days >= 0 && days <= Number(words["farDays"]))) return "";
  if (days === 0) return words["leftNone"] ?? "";
  return days === 1 ? (words["leftOne"] ?? "") : (words["leftMany"] ?? "").replace("{n}", String(days));
}

function euros(cents: number): string {
  const whole = language === "fr" && cents % 100 === 0;
  const how: Intl.NumberFormatOptions = { style: "currency", currency: "EUR", minimumFractionDigits: whole ? 0 : 2 };
  return new Intl.NumberFormat(language === "fr" ? "fr-FR" : "en-IE", how).format(cents / 100);
}

function day(iso: string): string {
  const how: Intl.DateTimeFormatOptions = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
  const spoken = new Intl.DateTimeFormat(language === "fr" ? "fr-FR" : "en-GB", how).format(new Date(iso));
  return language === "fr" ? spoken.replace(/^1 /, "1er ") : spoken;
}

addEventListener("hashchange", readAddress);
readAddress();
