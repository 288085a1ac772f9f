// Makes a device page open without a network: registers the service worker of all device pages and lets it take over when
// it is of the same build as this page. Another build waits; nothing changes under a page that is at work.

const CALM_MS = 3000; // after the start of a page its files, list and rules are there
const AGAIN_MS = 30_000;

/** The build of this page, for the heartbeat and the screen. */
export const build = document.querySelector('meta[name="device-build"]')?.content ?? "";

/** Resolves to ready (kept for the time without network), waiting or unsupported. */
export async function install() {
  if (!navigator.serviceWorker) return "unsupported"; // only on a secure connection
  try {
    const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" });
    // A worker that is at work must not update itself: while it waits for that its successor cannot take over.
    if (!(await caches.has(`device-${build}`))) registration.update().catch(() => {});
    takeOver(registration);
    registration.addEventListener("updatefound", () => {
      const fresh = registration.installing;
      fresh?.addEventListener("statechange", () => fresh.state === "installed" && takeOver(registration));
    });
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ keep: location.pathname });
    return await isKept();
  } catch {
    return isKept();
  }
}

/**
 * Let the worker of this build take over, in a moment without requests: Chromium stops the old worker for it, and where a request
 * starts that one again meanwhile, the new one waits for minutes.
 */
async function takeOver(registration) {
  for (let times = 0; times < 10; times += 1) {
    await new Promise((done) => setTimeout(done, times ? AGAIN_MS : CALM_MS));
    if (!registration.waiting) return;
    registration.waiting.postMessage({ take: build });
  }
}

/** Are the page and its files here? */
export async function isKept() {
  if (!navigator.serviceWorker?.controller || typeof caches === "undefined") return "waiting";
  return (await caches.match(location.pathname)) ? "ready" : "waiting";
}

/** Forget the kept page: the device was withdrawn. */
export function forgetPage() {
  navigator.serviceWorker?.controller?.postMessage({ wipe: true });
}
