// Instants are UTC on the wire; the shop reads them in Paris time. A business day has no hour.
const PARIS = "Europe/Paris";

/** "21 nov. à 14:05", or only "14:05" for an instant of today. */
export function momentText(instant: string, now: number, language: string): string {
  const at = new Date(instant);
  const time = at.toLocaleTimeString(language, { timeZone: PARIS, hour: "2-digit", minute: "2-digit" });
  if (parisDay(at.getTime()) === parisDay(now)) return time;
  const sameYear = parisDay(at.getTime()).slice(0, 4) === parisDay(now).slice(0, 4);
  const day = at.toLocaleDateString(language, {
    timeZone: PARIS, day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }),
  });
  return `${day}, ${time}`;
}

/** The business day of an instant, "2026-11-21". */
export function parisDay(now: number): string {
  return new Date(now).toLocaleDateString("en-CA", { timeZone: PARIS });
}

/** "30 juin 2027" from "2027-06-30". Noon UTC, so that no time zone moves it to its neighbour. */
export function dayText(day: string, language: string): string {
  return new Date(`${day}T12:00:00Z`).toLocaleDateString(language, {
    timeZone: "UTC", day: "numeric", month: "long", year: "numeric",
  });
}
