// htmx requests: the CSRF token, the bar on top while one runs, refusals as toasts, the focus after a swap.
import { on, text } from "./dom.js";
import { toast } from "./toasts.js";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const bar = () => document.getElementById("request-bar");
let running = 0;
let timer;

document.addEventListener("htmx:config:request", (e) => {
  const { request, sourceElement } = e.detail.ctx;
  if (!SAFE.has(request.method)) {
    request.headers["X-CSRFToken"] = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  }
  // Unused filters stay out of the address bar.
  if (sourceElement.closest?.("[data-drop-empty]") && request.body instanceof FormData) {
    for (const [key, value] of [...request.body]) if (value === "") request.body.delete(key);
  }
});

document.addEventListener("htmx:before:request", (e) => {
  const { ctx } = e.detail;
  if (ctx.sourceElement.closest?.("[data-quiet]") || ctx.sourceEvent?.type === "every") return;
  ctx.counted = true;
  running += 1;
  // A short wait: a bar that flashes for 50 ms only disturbs.
  clearTimeout(timer);
  timer = setTimeout(() => bar()?.classList.toggle("is-running", running > 0), 120);
});

document.addEventListener("htmx:finally:request", (e) => {
  if (!e.detail.ctx.counted) return;
  running = Math.max(0, running - 1);
  if (running === 0) {
    clearTimeout(timer);
    bar()?.classList.remove("is-running");
  }
});

// A refusal must not replace the list or form it was asked from: it becomes a toast and the page stays as it is.
// What passes by itself (no network, no session) is taken down again by the next answer that is good.
document.addEventListener("htmx:after:request", (e) => {
  const { ctx } = e.detail;
  if (ctx.response.status < 400) for (const note of document.querySelectorAll("[data-passing]")) note.remove();
  if (ctx.response.status < 400 || ctx.hx?.redirect || ctx.hx?.refresh || ctx.hx?.retarget) return;
  if (ctx.sourceEvent?.type === "every") return e.preventDefault(); // polling goes on; the next answer may be good
  const type = ctx.response.headers.get("Content-Type") ?? "";
  const page = type.includes("html") ? new DOMParser().parseFromString(ctx.text ?? "", "text/html") : null;
  const part = page?.querySelector("[data-error-part]");
  if (!part && page && ctx.response.status < 500 && !page.querySelector(".error-page")) return; // a form with its errors
  e.preventDefault();
  const note = toast(part?.innerText?.trim() || text("failed"), "danger", part);
  if (note) note.toggleAttribute("data-passing", ctx.response.status === 401);
});

document.addEventListener("htmx:error", (e) => {
  const { ctx, error } = e.detail;
  if (!ctx) return console.error(error);
  if (ctx.sourceEvent?.type === "every") return; // a polling page shows its age itself
  toast(text(ctx.request?.signal?.reason === "timeout" ? "timeout" : "offline"), "danger")?.setAttribute("data-passing", "");
});

// Where the element that had the focus is gone after a swap, the focus goes to the first wrong field,
// to what asks for it, or to the swapped part; never back to the top of the page.
document.addEventListener("htmx:after:swap", (e) => {
  const { ctx } = e.detail;
  if (ctx.sourceEvent?.type === "every" || ctx.sourceEvent?.type === "load") return;
  const root = ctx.target?.isConnected ? ctx.target : document.getElementById(ctx.target?.id ?? "");
  const wrong = root?.querySelector("[data-focus-on-load], [aria-invalid='true']");
  if (wrong && ctx.response?.status >= 400) return wrong.focus();
  if (document.activeElement && document.activeElement !== document.body) return;
  const next = root?.querySelector("[autofocus], [data-focus]") ?? root;
  if (!next) return;
  if (!next.matches("a[href], button, input, select, textarea, [tabindex]")) next.setAttribute("tabindex", "-1");
  next.focus({ preventScroll: true });
});

// Plain pages with errors: start at the summary.
document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-focus-on-load]")?.focus());

on("click", "[data-back]", () => history.back());
document.addEventListener("DOMContentLoaded", () => {
  if (history.length > 1) for (const button of document.querySelectorAll("[data-back]")) button.hidden = false;
});
