// The pipeline board: move an opportunity by drag, or by the button on its card and a dialog. The server decides; a card
// that may not move goes back to where it was, with the reason as a message.
import Sortable from "sortablejs";
import { on } from "./behaviours/dom.js";
import { toast } from "./behaviours/toasts.js";

const board = document.querySelector("[data-board]");
const dialog = document.getElementById("move-dialog");
const form = dialog?.querySelector("[data-move-form]");
const status = document.querySelector("[data-board-status]");
let back = null; // undoes the drag whose question is open

const list = (stage) => board.querySelector(`[data-cards="${CSS.escape(stage)}"]`);

/** Send a move; the answer's parts replace those with the same id. Resolves false when the server refused. */
async function send(card, fields) {
  const url = form.action.replace(/\/0\/move$/, `/${card.dataset.card}/move`) + location.search;
  const body = new FormData();
  for (const [key, value] of Object.entries(fields)) body.set(key, value);
  body.set("version", card.dataset.version);
  card.classList.add("is-busy");
  try {
    const answer = await fetch(url, {
      method: "POST",
      body,
      headers: { "HX-Request": "true", "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
    });
    if (answer.headers.get("HX-Redirect")) location.assign(answer.headers.get("HX-Redirect"));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      const part = page.querySelector("[data-error-part]");
      toast(part?.textContent.trim() ?? answer.statusText, "danger", part);
      return false;
    }
    put(card, page.getElementById("moved").content);
    return true;
  } catch (error) {
    console.warn(error);
    toast(JSON.parse(document.getElementById("ui-texts").textContent).offline, "danger");
    return false;
  } finally {
    card.classList.remove("is-busy");
  }
}

function put(card, parts) {
  const fresh = parts.querySelector(`#${card.id}`);
  const target = list(fresh.dataset.stage);
  if (card.parentElement === target) card.replaceWith(fresh);
  else {
    card.remove();
    target.prepend(fresh);
  }
  for (const part of parts.querySelectorAll(".board-column-head, .board-totals")) {
    document.getElementById(part.id)?.replaceWith(part);
  }
  for (const part of parts.querySelectorAll("[data-tab-count]")) {
    const count = document.querySelector(`.board-tab [data-tab-count="${part.dataset.tabCount}"]`);
    if (count) count.textContent = part.textContent;
  }
  const title = document.getElementById(`stage-${fresh.dataset.stage}`).firstChild.textContent.trim();
  status.textContent = status.dataset.moved.replace("{name}", fresh.dataset.name).replace("{stage}", title);
  fresh.classList.add("is-fresh");
  fresh.querySelector("[data-move-card]")?.focus({ preventScroll: true });
}

/** Ask in the dialog: where to, and why when it is lost. */
function ask(card, stage = "", undo = null) {
  if (card.classList.contains("is-busy")) return undo?.(); // the answer to the move before says where it is
  back = undo;
  form.dataset.card = card.id;
  form.querySelector("[data-move-name]").textContent = card.dataset.name;
  for (const box of form.elements.stage) {
    box.checked = box.value === (stage || card.dataset.stage);
    box.disabled = Boolean(stage) && box.value !== stage;
  }
  form.elements.lost_reason.value = "";
  if (form.elements.lost_to) form.elements.lost_to.value = "";
  form.elements.stage[0].dispatchEvent(new Event("change", { bubbles: true }));
  dialog.showModal();
  (stage === "lost" ? form.elements.lost_reason : form.querySelector("input:checked"))?.focus();
}

if (form) {
  on("click", "[data-move-card]", (e, button) => ask(button.closest("[data-card]")));
  // M on a focused card is the same as its button.
  on("keydown", "[data-card]", (e, card) => {
    if (e.key.toLowerCase() === "m" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.matches("input, select")) {
      e.preventDefault();
      ask(card);
    }
  });
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const card = document.getElementById(form.dataset.card);
    const fields = Object.fromEntries(new FormData(form));
    delete fields.csrf_token;
    const undo = back;
    back = null;
    dialog.close();
    if (!(await send(card, fields))) undo?.();
  });
  dialog.addEventListener("close", () => {
    back?.();
    back = null;
  });
}

if (board?.dataset.drag) {
  for (const cards of board.querySelectorAll("[data-cards]")) {
    Sortable.create(cards, {
      group: "board",
      sort: false,
      animation: 120,
      delay: 180,
      delayOnTouchOnly: true,
      draggable: "[data-card]",
      filter: "button, input, select",
      preventOnFilter: false,
      onMove: ({ to }) => {
        for (const column of board.querySelectorAll(".is-target")) column.classList.remove("is-target");
        to.closest("[data-column]").classList.add("is-target");
      },
      onEnd: async ({ item, from, to, oldIndex }) => {
        for (const column of board.querySelectorAll(".is-target")) column.classList.remove("is-target");
        if (from === to) return;
        const undo = () => from.insertBefore(item, from.querySelectorAll("[data-card]")[oldIndex] ?? null);
        const stage = to.dataset.cards;
        if (stage === "lost") return ask(item, stage, undo);
        if (!(await send(item, { stage }))) undo();
      },
    });
  }
}

// On a phone one stage at a time.
on("click", "[data-board-tab]", (e, tab) => {
  e.preventDefault();
  for (const other of document.querySelectorAll("[data-board-tab]")) {
    if (other === tab) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  for (const column of board.querySelectorAll("[data-column]")) {
    column.classList.toggle("is-current", column.dataset.column === tab.dataset.boardTab);
  }
  tab.scrollIntoView({ block: "nearest", inline: "center" });
});
document.querySelector('[data-board-tab][aria-current="true"]')?.scrollIntoView({ block: "nearest", inline: "center" });
