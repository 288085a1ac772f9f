// The registration desk by keyboard, and the badge that was just made goes to this computer's printer: once, also when the
// page is reloaded.
const field = document.getElementById("desk-q");
const panel = document.getElementById("desk-panel");
const hits = () => [...document.querySelectorAll("#desk-hits .desk-hit")];
const typing = (target) => target.matches?.("input, textarea, select, [contenteditable]");

function newPerson() {
  const link = document.querySelector("[data-desk-new]");
  if (link) link.click();
  else panel.querySelector("[name=name]")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "F2") newPerson();
  else if ((event.ctrlKey || event.metaKey) && event.key === "Enter") panel.querySelector("[data-desk-form]")?.requestSubmit();
  else if (event.key === "Escape" || (event.key === "/" && !typing(event.target))) {
    field.focus();
    field.select();
  } else if (event.key === "ArrowDown" && (event.target === field || event.target.closest(".desk-hit"))) move(1, event.target);
  else if (event.key === "ArrowUp" && event.target.closest(".desk-hit")) move(-1, event.target);
  else return;
  event.preventDefault();
});

function move(step, from) {
  const all = hits();
  const next = all.indexOf(from) + step;
  (next < 0 ? field : all[Math.min(next, all.length - 1)])?.focus();
}

// A person that was chosen: to the first thing that one does there.
document.addEventListener("htmx:after:swap", () => {
  const chosen = document.activeElement?.closest(".desk-hit") ?? (document.activeElement === document.body);
  if (chosen && matchMedia("(max-width: 1099px)").matches) panel.scrollIntoView();
  if (chosen) (panel.querySelector("button[type=submit]") ?? panel.querySelector("[name=name]"))?.focus();
});

// Enter in the search opens the first hit of what is typed; where the hits are still those of something else, and for a scanner's
// Enter, the server is asked, which also knows whose code it is.
let listed = field.value;
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement === field) ctx.typed = field.value;
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  listed = ctx.typed ?? listed;
});
document.getElementById("desk-search").addEventListener("submit", (event) => {
  const [first] = hits();
  if (!first || field.value !== listed || field.value.length > 60) return;
  event.preventDefault();
  first.focus();
  first.click();
});

const job = document.querySelector("[data-print]");
if (job && sessionStorage.getItem("desk-printed") !== job.dataset.job) {
  sessionStorage.setItem("desk-printed", job.dataset.job);
  const frame = document.createElement("iframe");
  frame.className = "desk-frame";
  frame.title = job.textContent.trim();
  frame.addEventListener("load", () => {
    try {
      frame.contentWindow.focus();
      frame.contentWindow.print();
    } catch {
      // No viewer for PDF in this browser: the link beside it opens the file.
    }
  });
  frame.src = job.dataset.print;
  document.body.append(frame);
}
