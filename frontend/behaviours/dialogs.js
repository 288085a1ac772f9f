// Native <dialog>: data-dialog-open="id" opens, data-dialog-close closes, a click on the backdrop closes.
// A dialog with data-dialog-auto opens by itself when it arrives (a form that came back with errors).
import { on, whenAdded } from "./dom.js";

on("click", "[data-dialog-open]", (e, button) => {
  const dialog = document.getElementById(button.dataset.dialogOpen);
  if (!dialog || dialog.open) return;
  e.preventDefault();
  dialog.showModal();
  // The browser would choose the cross. On a touch screen the keyboard stays away until it is wanted.
  if (matchMedia("(pointer: fine)").matches && !dialog.querySelector("[autofocus]"))
    dialog.querySelector(".dialog-body :is(input:not([type=hidden], [type=checkbox], [type=radio], [type=file]), select, textarea)")?.focus();
});

on("click", "[data-dialog-close]", (e, button) => {
  e.preventDefault();
  button.closest("dialog")?.close();
});

// Press and release both outside: selecting text and letting go outside must not close the form.
let pressed = null;
document.addEventListener("pointerdown", (e) => {
  pressed = e.target;
});
on("click", "dialog", (e, dialog) => {
  if (e.target !== dialog || pressed !== dialog || dialog.querySelector("[data-guard].is-dirty")) return;
  const box = dialog.getBoundingClientRect();
  const inside = e.clientX >= box.left && e.clientX <= box.right && e.clientY >= box.top && e.clientY <= box.bottom;
  if (!inside) dialog.close();
});

whenAdded("dialog[data-dialog-auto]", (dialog) => {
  if (!dialog.open) dialog.showModal();
});
