// Money is whole cents. This is the only file that turns cents into text, or text into cents.

/** Formats cents without ever making a fraction: the whole part by Intl, the cents by hand. */
export function euros(cents: number, language: string): string {
  const absolute = Math.abs(cents);
  const rest = absolute % 100;
  const whole = (absolute - rest) / 100; // exact: the remainder was taken off first
  const grouped = new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(whole);
  const french = language.startsWith("fr");
  const decimals = rest === 0 ? "" : (french ? "," : ".") + String(rest).padStart(2, "0");
  const sign = cents < 0 ? "−" : "";
  return french ? `${sign}${grouped}${decimals}\u00a0€` : `${sign}€${grouped}${decimals}`;
}

/** Reads "12", "12,5", "12.50 €". Null when it is no amount: more than two decimals is a typing mistake, not a round-off. */
export function centsFromText(text: string): number | null {
  const match = /^(\d{1,6})(?:[.,](\d{1,2}))?$/.exec(text.replace(/[\s\u00a0\u202f€]/g, ""));
  if (!match) return null;
  return Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
}
