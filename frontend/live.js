// The live board says itself when it is late: a figure that stands still looks like an empty hall.
const LATE_MS = 15_000;
const board = document.querySelector("[data-live]");
const notice = board?.querySelector("[data-live-late]");
let seen = "";
let since = performance.now();

setInterval(() => {
  const now = board?.querySelector("[data-live-as-of]")?.dataset.liveAsOf ?? "";
  if (now !== seen) {
    seen = now;
    since = performance.now();
  }
  if (notice) notice.hidden = performance.now() - since < LATE_MS;
}, 1000);

if (document.querySelector(".wall")) {
  const stayAwake = () => document.visibilityState === "visible" && navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
}
