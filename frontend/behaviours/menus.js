// <details data-menu>: only one open, closes on Escape, outside click and after a choice; arrows move in it.
import { on } from "./dom.js";

const opened = () => document.querySelectorAll("details[data-menu][open]");
const items = (menu) => [...menu.querySelectorAll(".menu-item")];

document.addEventListener("click", (e) => {
  for (const menu of opened()) {
    if (!menu.contains(e.target)) menu.open = false;
    else if (e.target.closest(".menu-item")) setTimeout(() => (menu.open = false));
  }
});

document.addEventListener("focusin", (e) => {
  for (const menu of opened()) if (!menu.contains(e.target)) menu.open = false;
});

on("keydown", "details[data-menu]", (e, menu) => {
  if (e.key === "Escape" && menu.open) {
    e.preventDefault();
    e.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
  e.preventDefault();
  menu.open = true;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const step = e.key === "ArrowDown" ? 1 : -1;
  all.at((at + step + all.length + (at < 0 && step < 0 ? 1 : 0)) % all.length)?.focus();
});

// The drawer of the navigation takes the focus when it opens, gives it back when it closes, closes when the focus leaves.
document.addEventListener(
  "toggle",
  (e) => {
    if (!e.target.matches?.("#sidebar")) return;
    if (e.newState === "open") (e.target.querySelector("[aria-current=page]") ?? e.target.querySelector("a, button"))?.focus();
    if (e.newState === "closed" && !document.activeElement?.closest("main, dialog")) document.querySelector(".sidebar-open")?.focus();
  },
  true,
);
document.addEventListener("focusin", (e) => {
  const bar = document.getElementById("sidebar");
  if (bar?.matches(":popover-open") && !bar.contains(e.target)) bar.hidePopover();
});

// The side bar is longer than some screens: bring the current page's entry into view, without moving the page.
document.addEventListener("DOMContentLoaded", () => {
  const bar = document.getElementById("sidebar");
  const here = bar?.querySelector("[aria-current=page]");
  if (here && here.offsetTop > bar.clientHeight - 120) bar.scrollTop = here.offsetTop - bar.clientHeight / 2;
});
