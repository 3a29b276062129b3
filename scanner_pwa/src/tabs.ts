// One tab is the till. A second one says so and may take over; where the browser has no locks, nothing is held.

/** Resolves true once this tab holds the till, false when another one keeps it; `onLost` when another has taken over. */
export function holdTill(takeOver: boolean, onLost: () => void): Promise<boolean> {
  const { locks } = navigator;
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    let held = false;
    // A page just left (a reload, an update) may need a moment to let go.
    const patience = new AbortController();
    setTimeout(() => patience.abort(), 700);
    const hold = (): Promise<never> => {
      held = true;
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request("vouchers-till", takeOver ? { steal: true } : { signal: patience.signal }, hold)
      .catch(() => { if (held) onLost(); else resolve(false); });
  });
}

/** Runs the job unless another tab is at it. */
export async function alone(job: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return job();
  await navigator.locks.request("vouchers-flush", { ifAvailable: true }, (lock) => (lock ? job() : undefined));
}
