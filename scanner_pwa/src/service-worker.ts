// Keeps the shell of the till on the phone, so that it opens without network. It never touches the API: an old answer
// about money is worse than none. A new version waits until the page says that nobody is being served.
const sw = self as unknown as ServiceWorkerGlobalScope;
const SHELF = `till-${BUILD_ID}`;
const SHELL = new URL("./", sw.location.href).href;
const KEPT = [SHELL, ...SHELL_FILES.map((name) => new URL(name, SHELL).href)];
/** Ten times as heavy as all the rest: the till opens, and takes typed vouchers, before it is there. */
const LATER = KEPT.filter((address) => address.endsWith(".wasm"));

sw.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const shelf = await caches.open(SHELF);
    const fresh = KEPT.filter((address) => !LATER.includes(address));
    await shelf.addAll(fresh.map((address) => new Request(address, { cache: "reload" })));
    // A till that already works loses nothing by waiting until the new one is whole.
    if (sw.registration.active) await keepTheRest();
  })());
});

sw.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("till-") && name !== SHELF) await caches.delete(name);
    }
    await sw.clients.claim();
  })());
});

sw.addEventListener("message", (event) => {
  if (event.data === "take over") void sw.skipWaiting();
  else event.waitUntil(keepTheRest().catch(() => undefined)); // asked for again each time the till comes back
});

sw.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const address = request.url.split(/[?#]/)[0] ?? "";
  const wanted = request.mode === "navigate" && address.startsWith(SHELL) ? SHELL : address;
  if (!KEPT.includes(wanted)) return;
  event.respondWith((async () => (await (await caches.open(SHELF)).match(wanted)) ?? fetch(request))());
});

/** The name carries the content's hash, so what an older shell kept under it serves as well. */
async function keepTheRest(): Promise<void> {
  const shelf = await caches.open(SHELF);
  for (const address of LATER) {
    if (await shelf.match(address)) continue;
    const older = await caches.match(address);
    if (older) await shelf.put(address, older);
    else await shelf.add(address);
  }
}
