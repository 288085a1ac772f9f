// Lists: search while typing (but not half-typed Chinese), bulk selection, one click on a row.
import { on, text, whenAdded } from "./dom.js";

// While an input method composes, the box holds pinyin letters: searching for them would only flicker.
document.addEventListener(
  "input",
  (e) => {
    if (e.isComposing && e.target.matches?.(".list-search-input, [data-live-search]")) e.stopImmediatePropagation();
  },
  true,
);
on("compositionend", ".list-search-input, [data-live-search]", (e, input) => {
  setTimeout(() => input.dispatchEvent(new Event("input", { bubbles: true })));
});

// A row of tabs that is wider than the screen begins at the current one.
whenAdded(".tabs [aria-current]", (tab) => {
  const row = tab.closest("ul");
  for (const box of [row, row?.parentElement]) if (box && box.scrollWidth > box.clientWidth) box.scrollLeft = tab.offsetLeft - box.clientWidth / 3;
});

const picks = (form) => [...document.querySelectorAll(`input[type=checkbox][form="${CSS.escape(form.id)}"]`)];

function refresh(form) {
  const boxes = picks(form);
  const count = boxes.filter((box) => box.checked).length;
  form.classList.toggle("is-active", count > 0);
  const label = form.querySelector("[data-bulk-count]");
  const shown = count ? text("selected", { count }) : "";
  if (label && label.textContent !== shown) label.textContent = shown;
  for (const box of boxes) box.closest("tr")?.classList.toggle("is-picked", box.checked);
  const all = document.querySelector(`[data-bulk-all="${CSS.escape(form.id)}"]`);
  if (all) {
    all.checked = boxes.length > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
}

document.addEventListener("change", (e) => {
  const box = e.target;
  if (box.dataset?.bulkAll) {
    const form = document.getElementById(box.dataset.bulkAll);
    for (const pick of form ? picks(form) : []) pick.checked = box.checked;
    if (form) refresh(form);
  } else if (box.form?.matches("[data-bulk]")) {
    refresh(box.form);
  }
});

on("click", "[data-bulk-clear]", (e, button) => {
  for (const pick of picks(button.form)) pick.checked = false;
  refresh(button.form);
});

// Shift-click picks everything between.
let last = null;
document.addEventListener("click", (e) => {
  const box = e.target;
  if (!box.form?.matches?.("[data-bulk]") || box.type !== "checkbox") return;
  if (e.shiftKey && last && last.form === box.form) {
    const boxes = picks(box.form);
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const pick of boxes.slice(from, to + 1)) pick.checked = box.checked;
    refresh(box.form);
  }
  last = box;
});

// A morph keeps check boxes that were ticked on rows that are gone: start every new page of a list without a selection.
document.addEventListener("htmx:after:swap", (e) => {
  const list = e.detail.ctx.target?.closest?.("[data-list]");
  for (const form of list?.querySelectorAll("[data-bulk]") ?? []) {
    for (const pick of picks(form)) pick.checked = false;
    refresh(form);
  }
});
// A morph keeps what the user chose in a control although the server's answer says otherwise ("Clear all"):
// take the answer's state, but never touch the box that is being typed in.
document.addEventListener("htmx:after:swap", (e) => {
  const { target, response } = e.detail.ctx;
  if (response?.status >= 400) return;
  const form = (document.getElementById(target?.id ?? "") ?? target)?.querySelector?.(".list-toolbar");
  if (!form) return;
  const typing = form.contains(document.activeElement) && document.activeElement.matches(".list-search-input") ? document.activeElement : null;
  const kept = typing && [typing.value, typing.selectionStart, typing.selectionEnd];
  form.reset();
  if (typing) {
    typing.value = kept[0];
    typing.setSelectionRange(kept[1], kept[2]);
  }
});

// Another page of the list starts at its top.
document.addEventListener("htmx:after:swap", (e) => {
  const { sourceElement, response } = e.detail.ctx;
  if (!sourceElement.matches(".pager-button") || response?.status >= 400) return;
  const list = document.getElementById(e.detail.ctx.target?.id ?? "") ?? e.detail.ctx.target;
  if (!list?.isConnected) return;
  list.setAttribute("tabindex", "-1");
  list.focus({ preventScroll: true });
  list.scrollIntoView({ block: "start" });
});

whenAdded("[data-bulk]", refresh);
