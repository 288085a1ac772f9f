// Makes a device page open without a network: registers the service worker of all device pages and lets it take over when
// it is of the same build as this page. Another build waits; nothing changes under a page that is at work.

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

/** Let the worker of this build take over. Chromium replaces a worker only in a moment without work, so it is asked again. */
async function takeOver(registration) {
  for (let times = 0; registration.waiting && times < 30; times += 1) {
    registration.waiting.postMessage({ take: build });
    await new Promise((done) => setTimeout(done, 1000));
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
