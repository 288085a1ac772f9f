// Short messages at the edge. From scripts: toast(text, tone). From the server: the header
// HX-Trigger: {"toast": {"text": "…", "tone": "success"}}. Refusals stay until they are closed.
import { on } from "./dom.js";

const SECONDS = { danger: 0, warning: 9 };

/** Show a message and give it back. `body` may be an element from the server whose children are taken over. */
export function toast(message, tone = "info", body = null) {
  const area = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  if (!area || !template) return;
  for (const same of area.children) if (same.dataset.message === message) same.remove();
  const note = template.content.firstElementChild.cloneNode(true);
  note.classList.add(`toast-${tone}`);
  note.dataset.message = message;
  const place = note.querySelector(".toast-text");
  if (body) {
    const box = document.createElement("div");
    box.className = "toast-text";
    box.append(...body.childNodes);
    place.replaceWith(box);
  } else {
    place.textContent = message;
  }
  area.append(note);
  while (area.children.length > 4) area.firstElementChild.remove();
  const seconds = SECONDS[tone] ?? 5;
  if (seconds) setTimeout(() => note.remove(), seconds * 1000);
  return note;
}

on("click", "[data-toast-close]", (e, button) => button.closest("[data-toast]").remove());
document.addEventListener("toast", (e) => toast(e.detail.text ?? e.detail.value ?? "", e.detail.tone));
