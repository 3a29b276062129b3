// What the till knows of the server: whether it answers, what it asks of this till, the day's total, and the list for
// the hours when it does not answer.
import type { Offline } from "./offline.ts";
import { notes, pairing } from "./storage.ts";
import type { TillClient } from "./till.ts";
import type { Problem, Rules, Today } from "./wire.ts";

export const NO_RULES: Rules = { weak: false, ask_cashier: "never", undo_pin: false, cashiers: [], offline: null };
const RENEW_MS = 300_000;

export interface Known {
  /** False while the network is away: two failures, or a customer who waited for nothing. */
  reachable: boolean;
  rules: Rules;
  today: Today | null;
}

export class Contact {
  private known: Known = { reachable: true, rules: NO_RULES, today: null };
  private failures = 0;
  private renewedMs = 0;
  private renewing: Promise<void> | null = null;

  constructor(
    private readonly client: TillClient,
    private readonly offline: Offline,
    private readonly now: () => number,
    private readonly onKnown: (known: Known) => void,
    private readonly onRefused: (problem: Problem) => void,
  ) {}

  /** The rules as they were learnt last: a till opens without network too. */
  async open(): Promise<void> {
    this.learn({ rules: (await notes.read<Rules>("rules")) ?? NO_RULES });
  }

  /** One failure may be chance, two are no network; a customer left waiting is no network at once. */
  heard(answered: boolean, slow: boolean): void {
    this.failures = answered ? 0 : slow ? 2 : this.failures + 1;
    const reachable = this.failures < 2;
    if (reachable !== this.known.reachable) this.learn({ reachable });
  }

  mayWorkOffline(): boolean {
    return this.known.rules.offline !== null && this.offline.ready();
  }

  /** Learns today's total, the shop's rules, and whether this till is still one of the shop's. */
  async refresh(): Promise<void> {
    const { till } = this.client;
    if (!till) return;
    try {
      const about = await this.client.about();
      if (this.client.till?.tillId !== till.tillId) return;
      if (!about.ok) return this.onRefused(about.problem);
      const { today, label, merchant, programme } = about.body;
      const rules = Object.fromEntries(
        Object.entries(NO_RULES).map(([name, none]) => [name, about.body[name as keyof Rules] ?? none]),
      ) as unknown as Rules;
      const others = JSON.stringify(rules) !== JSON.stringify(this.known.rules);
      this.learn({ today, rules });
      if (others) await notes.keep("rules", rules);
      const now = this.client.till;
      if (now?.tillId !== till.tillId) return;
      this.client.till = { ...now, label, merchant, programme };
      if (JSON.stringify(this.client.till) !== JSON.stringify(now)) await pairing.keep(this.client.till);
    } catch {
      // The total is a comfort; the line "no network" says the rest.
      if (this.failures === 1) await this.refresh();
    }
  }

  /** Fetches the list anew. Without network it stays what it is, and its age says so. */
  async renew(): Promise<void> {
    this.renewedMs = this.now();
    this.renewing ??= this.offline.renew(this.known.rules)
      .catch(() => { this.renewedMs = 0; })
      .finally(() => { this.renewing = null; });
    await this.renewing;
  }

  /** Every 15 seconds: asks whether a network that was lost is back, and keeps the list young. */
  async beat(): Promise<void> {
    if (this.failures > 0) await this.refresh();
    if (this.known.reachable && Math.abs(this.now() - this.renewedMs) >= RENEW_MS) await this.renew();
  }

  private learn(news: Partial<Known>): void {
    this.known = { ...this.known, ...news };
    this.onKnown(this.known);
  }
}
