// Keeps the shell of the till on the phone, so that it opens without network. It never touches the API: an old answer
// about money is worse than none. A new version waits until the page says that nobody is being served.
const sw = self as unknown as ServiceWorkerGlobalScope;
const SHELF = `till-${BUILD_ID}`;
const SHELL = new URL("./", sw.location.href).href;
const KEPT = new Set([SHELL, ...SHELL_FILES.map((name) => new URL(name, SHELL).href)]);

sw.addEventListener("install", (event) => {
  const fresh = [...KEPT].map((address) => new Request(address, { cache: "reload" }));
  event.waitUntil(caches.open(SHELF).then((shelf) => shelf.addAll(fresh)));
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
});

sw.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const address = request.url.split(/[?#]/)[0] ?? "";
  const wanted = request.mode === "navigate" && address.startsWith(SHELL) ? SHELL : address;
  if (!KEPT.has(wanted)) return;
  event.respondWith((async () => (await (await caches.open(SHELF)).match(wanted)) ?? fetch(request))());
});
