// Keeps the pages of devices (gate, kiosk, lead, print station) and the files they need, so that they open without a network. Nothing
// else: no page of the staff or of exhibitors, and no answer of the API. The server puts BUILD, FILES and SHELLS in front
// of this file (expo_crm/onsite/views/shell.py). Each build has a cache of its own with everything in it: a page never
// meets files of another build, and an update waits until a page of its own build asks for it.
const CACHE = `device-${BUILD}`;
const PAGE_MS = 3000; // after this the kept page is shown
const BUILD_HEADER = "X-Expo-Shell";

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  if (event.data?.take === BUILD) self.skipWaiting();
  if (event.data?.keep) event.waitUntil(keep(event.data.keep).catch(() => {}));
  if (event.data?.wipe) event.waitUntil(wipe());
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/dist/")) event.respondWith(file(request));
  else if (request.mode === "navigate" && SHELLS.includes(url.pathname)) event.respondWith(page(event, url.pathname));
});

async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map(async (url) => {
    const response = await fetch(url);
    // A hotel's sign-in page also comes with status 200.
    if (!response.ok || (response.headers.get("Content-Type") ?? "").includes("html")) throw new Error(url);
    await cache.put(url, response);
  }));
  const open = await self.clients.matchAll({ includeUncontrolled: true, type: "window" });
  const paths = new Set(open.map((client) => new URL(client.url).pathname));
  for (const name of await ours()) for (const request of await (await caches.open(name)).keys()) paths.add(new URL(request.url).pathname);
  await Promise.all(SHELLS.filter((path) => paths.has(path)).map(keep));
}

async function activate() {
  await Promise.all((await ours()).filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

const ours = async () => (await caches.keys()).filter((name) => name.startsWith("device-"));

/** Keep the page of this path, if the server gives it in this build to this device. */
async function keep(path) {
  if (!SHELLS.includes(path)) return;
  const response = await fetch(path, { credentials: "same-origin", cache: "no-store" });
  if (response.headers.get(BUILD_HEADER) === BUILD) await (await caches.open(CACHE)).put(path, response);
}

/** The pages say who the device was: they go when it is withdrawn. */
async function wipe() {
  const cache = await caches.open(CACHE);
  await Promise.all(SHELLS.map((path) => cache.delete(path)));
}

async function file(request) {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request);
}

/** From the server when it answers in time and it is our server that answers; else the page that was kept. */
async function page(event, path) {
  const kept = await (await caches.open(CACHE)).match(path);
  try {
    const response = await fetch(event.request, kept ? { signal: AbortSignal.timeout(PAGE_MS) } : {});
    const build = response.headers.get(BUILD_HEADER);
    if (build === BUILD && response.ok) {
      const copy = response.clone();
      event.waitUntil(caches.open(CACHE).then((cache) => cache.put(path, copy)).catch(() => {}));
    } // a page of another build asks for its worker itself (gate/install.js)
    return build || !kept ? response : kept;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
