// A new version of the till is taken when nobody is being served and nothing waits for an answer.

export class Updates {
  private registration: ServiceWorkerRegistration | null = null;
  private seenBuild: string | null = null;
  private reloading = false;

  async start(): Promise<void> {
    if (!("serviceWorker" in navigator)) return;
    // At the very first visit the worker takes over a page that is already current: no reload then.
    const hadOne = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (hadOne) this.reload();
    });
    try {
      this.registration = await navigator.serviceWorker.register(new URL("service-worker.js", document.baseURI));
    } catch {
      this.registration = null; // the till works without it, only not without network
    }
  }

  /** Every API answer names the server's build: another one than before means that a new till may be there. */
  heard(build: string): void {
    if (this.seenBuild !== null && this.seenBuild !== build) this.check();
    this.seenBuild = build;
  }

  check(): void {
    void this.registration?.update().catch(() => undefined);
  }

  /** Called on the idle screen only. */
  takeIfReady(): void {
    const ready = this.registration?.waiting;
    if (!ready || !navigator.serviceWorker.controller) return;
    ready.postMessage("take over");
    setTimeout(() => this.reload(), 2000); // iOS does not always say that the worker changed
  }

  private reload(): void {
    if (this.reloading) return;
    this.reloading = true;
    location.reload();
  }
}
