// What was typed into a form is not lost when its answer is a refusal instead of a page: the session was over, the form was
// open too long, a rule said no, the network was gone. It waits in this tab until the form is opened again from there
// (after signing in, or by going back), and is forgotten with the next page that follows a form that was taken. It is nobody
// else's: who signs in here as another person does not meet it.
import { on, text } from "./dom.js";
import { toast } from "./toasts.js";

const KEY = "kept-form";
const MINUTES = 60;
const LARGEST = 200_000; // characters; the browser's own limit is some megabytes for all
const who = () => document.body.dataset.who;
const here = () => location.pathname + location.search;

const forms = () => [...document.querySelectorAll("form")].filter((form) => form.method === "post");
const address = (form) => new URL(form.getAttribute("action") || location.href, location.href).pathname;
const alike = (form) => forms().filter((other) => address(other) === address(form));

const isTyped = (control) =>
  control.name && control.name !== "csrf_token" && !["file", "submit", "button", "password"].includes(control.type);

function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    return kept && Date.now() - kept.at < MINUTES * 60_000 ? kept : null;
  } catch {
    return null; // storage is refused in this browser, or the entry is of an older build
  }
}

function write(kept) {
  try {
    if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Nowhere to keep it: the form is sent all the same.
  }
}

document.addEventListener("submit", (e) => {
  const form = e.target;
  if (e.defaultPrevented || form.method !== "post" || form.closest("[data-keeps-typed]")) return;
  if (form.querySelector("input[type=password]")) return;
  const fields = [...form.elements]
    .filter(isTyped)
    .map((c) => [c.name, c.type, c.value, c.checked === true, c.multiple ? [...c.selectedOptions].map((o) => o.value) : null]);
  const hasWords = fields.some(([, type, value]) => type !== "hidden" && type !== "checkbox" && type !== "radio" && value.trim());
  const kept = { at: Date.now(), who: who(), page: here(), action: address(form), place: alike(form).indexOf(form), fields };
  write(hasWords && JSON.stringify(kept).length < LARGEST ? kept : null);
});

function restore(kept) {
  const form = forms().filter((one) => address(one) === kept.action)[kept.place];
  if (!form) return;
  const taken = new Map();
  for (const [name, type, value, checked, many] of kept.fields) {
    const nth = taken.get(name) ?? 0;
    taken.set(name, nth + 1);
    const control = [...form.elements].filter((c) => c.name === name && isTyped(c))[nth];
    if (!control || control.type !== type) continue;
    if (type === "checkbox" || type === "radio") control.checked = checked;
    else if (many) for (const option of control.options) option.selected = many.includes(option.value);
    else control.value = value;
  }
  for (let box = form.parentElement; box; box = box.parentElement) {
    if (box.tagName === "DETAILS") box.open = true;
    if (box.tagName === "DIALOG" && !box.open) box.showModal();
  }
  if (!form.matches("[data-autosubmit]")) {
    form.dispatchEvent(new Event("change", { bubbles: true })); // parts that belong to an answer
    form.dispatchEvent(new Event("input", { bubbles: true })); // unsaved work
  }
  form.scrollIntoView({ block: "nearest" });
  toast(text("kept"), "warning");
}

// A refusal leads back to the form; at once, for on a slow line its link is clicked before the page has all its files.
const refusal = document.querySelector("[data-keeps-typed]");
if (refusal && read()) {
  const kept = read();
  write({ ...kept, refused: true });
  for (const link of refusal.querySelectorAll("[data-sign-in]")) link.search = new URLSearchParams({ next: kept.page });
}

// After the page's own scripts, which may fill fields at their start.
window.addEventListener("load", () => {
  const kept = read();
  if (!kept) return write(null);
  if (refusal) return;
  // Whoever comes here by "back" with something kept has seen no page of ours since: the network was gone.
  const cameBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const isFormsPage = kept.page === here() && kept.who === who();
  write(cameBack && !isFormsPage ? { ...kept, refused: true } : null);
  if (isFormsPage && (kept.refused || cameBack)) restore(kept);
});

// "Go back" of a refusal opens the form anew: the browser's copy of it may carry a token that is too old.
on(
  "click",
  "[data-keeps-typed] [data-back]",
  (e) => {
    const kept = read();
    if (!kept) return;
    e.stopImmediatePropagation();
    location.assign(kept.page);
  },
  { capture: true },
);
