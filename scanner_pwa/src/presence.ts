// The phone lies on the counter all day: its screen stays on while the till is in front, and everything that a pause
// may have killed is looked after when it comes back.

/** Calls `job` once when the app comes back to the front; no single event is fired reliably on every phone. */
export function onReturn(job: () => void): () => void {
  let last = -Infinity;
  const ifVisible = (): void => {
    if (document.visibilityState !== "visible" || performance.now() - last < 500) return;
    last = performance.now();
    job();
  };
  document.addEventListener("visibilitychange", ifVisible);
  addEventListener("focus", ifVisible);
  addEventListener("pageshow", ifVisible);
  return () => {
    document.removeEventListener("visibilitychange", ifVisible);
    removeEventListener("focus", ifVisible);
    removeEventListener("pageshow", ifVisible);
  };
}

/** Keeps the screen on; the lock is lost at each pause and asked for again. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  const hold = async (): Promise<void> => {
    if (lock && !lock.released) return;
    try {
      lock = await navigator.wakeLock.request("screen");
    } catch {
      lock = null; // not offered here, or the battery is low
    }
  };
  void hold();
  const stop = onReturn(() => void hold());
  return () => {
    stop();
    void lock?.release();
  };
}
