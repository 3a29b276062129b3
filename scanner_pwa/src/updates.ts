// A new version of the till is taken when nobody is being served and nothing waits for an answer.

export class Updates {
  private registration: ServiceWorkerRegistration | null = null;
  private seenBuild: string | null = null;
  private idle = false;
  private reloading = false;

  async start(): Promise<void> {
    const { serviceWorker } = navigator;
    if (!serviceWorker) return;
    // At the very first visit the worker takes over a page that is already current: no reload then.
    const hadOne = serviceWorker.controller !== null;
    serviceWorker.addEventListener("controllerchange", () => {
      if (hadOne) this.reload();
    });
    try {
      this.registration = await serviceWorker.register(new URL("service-worker.js", document.baseURI));
      this.registration.addEventListener("updatefound", () => {
        this.registration?.installing?.addEventListener("statechange", () => this.takeIfReady());
      });
      this.takeIfReady(); // one that came while the till was busy, or closed
      (await serviceWorker.ready).active?.postMessage("keep the rest");
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
    this.registration?.active?.postMessage("keep the rest");
    void this.registration?.update().catch(() => undefined);
  }

  /** Idle: the counter is on the screen, the basket empty, nothing waits for the server. */
  setIdle(idle: boolean): void {
    this.idle = idle;
    this.takeIfReady();
  }

  private takeIfReady(): void {
    const ready = this.registration?.waiting;
    if (!this.idle || !ready || !navigator.serviceWorker.controller) return;
    ready.postMessage("take over");
    setTimeout(() => this.reload(), 2000); // iOS does not always say that the worker changed
  }

  private reload(): void {
    if (this.reloading) return;
    this.reloading = true;
    location.reload();
  }
}
