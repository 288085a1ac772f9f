// The live board says itself when it is late: a figure that stands still looks like an empty hall. Also prints the gate card.
const LATE_MS = 20_000;
const board = document.querySelector("[data-live]");
const notice = board?.querySelector("[data-live-late]");
let heard = performance.now();

// Also an answer "nothing has changed" is an answer: the time stands in a header, outside of what is swapped.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const asOf = ctx.response?.headers.get("Live-As-Of");
  if (!asOf || ctx.response.status >= 400) return;
  heard = performance.now();
  for (const time of document.querySelectorAll("[data-live-as-of]")) {
    time.dataset.liveAsOf = asOf;
    time.textContent = asOf.slice(11, 19);
  }
});

setInterval(() => {
  if (notice) notice.hidden = performance.now() - heard < LATE_MS;
}, 1000);

if (document.querySelector(".wall")) {
  const stayAwake = () => document.visibilityState === "visible" && navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
}

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
