// The owner's own door, open as long as "Ma boutique" is on the screen. What it opens with is kept in memory alone and
// ended on the way out: the phone stays on the counter.
import { newIdempotencyKey } from "./signing.ts";
import * as words from "./words.ts";

export class Desk {
  private constructor(private readonly secret: string) {}

  /** Like all that follows, throws an `Error` whose message is for the owner to read. */
  static async signIn(email: string, password: string): Promise<Desk> {
    const answer = await ask("POST", "sessions", {}, { email, password, label: words.appName });
    return new Desk(((await answer.json()) as { secret: string }).secret);
  }

  async read<T>(path: string): Promise<T> {
    return (await (await ask("GET", path, this.bearer())).json()) as T;
  }

  async write<T>(path: string, body: object, method = "POST"): Promise<T> {
    return (await (await ask(method, path, { ...this.bearer(), "Idempotency-Key": newIdempotencyKey() }, body)).json()) as T;
  }

  async file(path: string): Promise<Blob> {
    return (await ask("GET", path, this.bearer())).blob();
  }

  leave(): void {
    void ask("DELETE", "me/session", this.bearer()).catch(() => undefined); // it ends by itself too
  }

  private bearer(): Record<string, string> {
    return { Authorization: `Bearer ${this.secret}` };
  }
}

async function ask(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Response> {
  const answer = await fetch(`/api/v1/${path}`, {
    method,
    headers: { "Accept-Language": words.language, ...(body && { "Content-Type": "application/json" }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  }).catch(() => null);
  if (answer?.ok) return answer;
  const problem = (await answer?.json().catch(() => null)) as { detail?: string } | null | undefined;
  throw new Error(problem?.detail ?? words.noAnswer);
}

/** Puts a file on the phone, where its own reader opens and prints it. */
export function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a slow reader still needs it
}
