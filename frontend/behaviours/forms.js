// Forms: data-autosubmit sends on change, data-guard warns before unsaved work is left, data-dismiss removes its note,
// data-show-when shows a part for an answer; no form is sent twice, and nothing that is pasted is cut without a word.
import { on, text, whenAdded } from "./dom.js";
import { toast } from "./toasts.js";

on("change", "[data-autosubmit]", (e, control) => {
  (control.form ?? control).requestSubmit();
});

on("click", "[data-dismiss]", (e, button) => button.closest(".note, [data-flash]")?.remove());
on("paste", "input[maxlength], textarea[maxlength]", (e, input) => {
  const pasted = e.clipboardData?.getData("text").length ?? 0;
  const stays = input.value.length - (input.selectionEnd - input.selectionStart);
  if (stays + pasted > input.maxLength) toast(text("cut", { most: input.maxLength }), "warning");
});
// Said before a phone has spent minutes on sending it.
on("change", "input[type=file][data-most-mb]", (e, input) => {
  const most = Number(input.dataset.mostMb);
  if (![...input.files].some((file) => file.size > most * 1024 * 1024)) return;
  input.value = "";
  toast(text("tooLarge", { most }), "danger");
});
on("focusin", "[data-select-on-focus]", (e, input) => input.select());

// Unsaved work.
const dirty = () => document.querySelector("form[data-guard].is-dirty");
on("input", "form[data-guard]", (e, form) => form.classList.add("is-dirty"));
document.addEventListener("submit", (e) => {
  e.target.classList?.remove("is-dirty");
});
window.addEventListener("beforeunload", (e) => {
  if (dirty()) e.preventDefault();
});

// A second click on a slow form would send it twice. htmx forms are queued by htmx itself.
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (e.defaultPrevented || form.method === "get" || form.method === "dialog" || form.target === "_blank") return;
  if (form.hasAttribute("data-many")) return;
  if (form.dataset.sent) return e.preventDefault();
  form.dataset.sent = "1";
  e.submitter?.classList.add("is-busy");
  // Downloads answer without leaving the page: let go again after a while.
  setTimeout(() => {
    delete form.dataset.sent;
    e.submitter?.classList.remove("is-busy");
  }, 4000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".is-busy")) button.classList.remove("is-busy");
});

// data-show-when="name=value" (or "name" for any answer): parts of a form that belong to an answer.
function applyConditions(form) {
  const data = new FormData(form);
  for (const part of form.querySelectorAll("[data-show-when]")) {
    const [name, wanted] = part.dataset.showWhen.split("=");
    const given = data.getAll(name);
    const shown = wanted === undefined ? given.some(Boolean) : wanted.split("|").some((w) => given.includes(w));
    part.hidden = !shown;
    for (const control of part.querySelectorAll("input, select, textarea")) control.disabled = !shown;
  }
}
whenAdded("[data-show-when]", (part) => part.closest("form") && applyConditions(part.closest("form")));
document.addEventListener("change", (e) => {
  if (e.target.form?.querySelector("[data-show-when]")) applyConditions(e.target.form);
});

// A link of the error summary goes to the control itself, also where the target is a group of choices.
on("click", ".error-list a[href^='#']", (e, link) => {
  const target = document.getElementById(link.hash.slice(1));
  const control = target?.matches("input, select, textarea") ? target : target?.querySelector("input, select, textarea");
  if (!control) return;
  e.preventDefault();
  control.focus();
});
