// The same paper stays in front of the camera for many frames. It counts as one read until it has been out of view
// for a while; a different code is never swallowed.
const OUT_OF_VIEW_MS = 3000;

interface Seen { until: number; stays: boolean }

export class Sight {
  private readonly seen = new Map<string, Seen>();

  /** True when this text is a new read, false when it is the paper still lying there. */
  isNew(text: string, now: number): boolean {
    for (const [other, { until }] of this.seen) {
      // Later than any mark made now: the clock was set back.
      if (until <= now || until > now + OUT_OF_VIEW_MS) this.seen.delete(other);
    }
    const mark = this.seen.get(text);
    if (!mark) {
      this.seen.set(text, { until: now + OUT_OF_VIEW_MS, stays: true });
      return true;
    }
    if (mark.stays) mark.until = now + OUT_OF_VIEW_MS;
    return false;
  }

  /** Back from another screen: a paper left under the camera meanwhile was not looked at, but it did not leave either. */
  resume(now: number): void {
    for (const mark of this.seen.values()) mark.until = Math.max(mark.until, now + OUT_OF_VIEW_MS);
  }

  /** The cashier gave up this read: the same paper may be read again shortly, even without moving it. */
  release(now: number): void {
    for (const mark of this.seen.values()) {
      mark.stays = false;
      mark.until = now + OUT_OF_VIEW_MS;
    }
  }
}
