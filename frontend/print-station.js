// A print station: takes one job at a time, opens the browser's print dialogue (or, started with --kiosk-printing, prints
// silently), and tells the server that the badge came out. What was sent to the printer is noted here first, so that a page
// that was closed in between asks instead of printing again.
import { forgetPage, install } from "./gate/install.js";
import { stayAwake } from "./gate/signals.js";

const POLL_MS = 3000;
const CALL_MS = 8000;
const config = JSON.parse(document.getElementById("station-config").textContent);
const { texts } = config;
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const KEY = `station-${config.device}`;
const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
let job = null;
let frame = null;
let busy = false;

const save = () => localStorage.setItem(KEY, JSON.stringify(kept));

async function call(url, body) {
  try {
    const response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(CALL_MS),
    });
    const answer = await response.json();
    part("line").dataset.line = "online";
    if (response.status === 401) forgetPage();
    banner(response.status === 401 ? texts.withdrawn : response.ok ? "" : (answer.message ?? ""));
    return { ok: response.ok, answer };
  } catch {
    part("line").dataset.line = "offline";
    banner(texts.offline);
    return { ok: false, answer: null };
  }
}

function banner(message) {
  part("banner").textContent = message;
  part("banner").hidden = !message;
}

async function poll() {
  if (busy) return;
  busy = true;
  const { ok, answer } = await call("/api/print/next");
  busy = false;
  if (!ok) return;
  fill(part("queue"), answer.waiting);
  part("count").textContent = answer.waiting.length || "";
  if (answer.job?.id === job?.id) return;
  job = answer.job;
  show();
  const sentBefore = job && (job.again || kept.sent === job.id);
  if (job && part("auto").checked && job.form === "pdf" && !sentBefore) print();
}

function fill(list, rows) {
  list.replaceChildren(
    ...rows.map((row) => {
      const item = document.createElement("li");
      const name = Object.assign(document.createElement("span"), { textContent: row.company ? `${row.name} · ${row.company}` : row.name });
      const kind = Object.assign(document.createElement("span"), { textContent: row.class });
      item.append(name, kind);
      return item;
    }),
  );
}

function show() {
  part("buttons").hidden = !job;
  part("name").textContent = job?.name ?? texts.nothing;
  part("company").textContent = job?.company ?? "";
  part("class").textContent = job?.class ?? "";
  part("hint").textContent = !job ? texts.next : job.again || kept.sent === job.id ? texts.doubt : "";
  part("print").hidden = job?.form === "zpl";
  part("zpl").hidden = job?.form !== "zpl";
  if (job) part("zpl").href = job.file;
}

function print() {
  if (!job || job.form !== "pdf") return;
  const mine = job;
  kept.sent = mine.id;
  save();
  part("hint").textContent = texts.printing;
  frame?.remove();
  frame = document.createElement("iframe");
  frame.className = "desk-frame";
  frame.title = mine.name;
  frame.addEventListener("load", () => {
    // The browser's own viewer prints the file; where it has none, the file is opened for the person to print.
    try {
      frame.contentWindow.focus();
      frame.contentWindow.print();
      if (part("trust").checked) settle("printed", {}, mine);
    } catch {
      window.open(mine.file, "_blank", "noopener");
    }
  });
  frame.src = mine.file;
  document.body.append(frame);
}

async function settle(what, body, mine = job) {
  if (!mine) return;
  const { ok } = await call(`/api/print/jobs/${mine.id}/${what}`, body);
  if (!ok) return;
  if (job?.id === mine.id) job = null;
  show();
  poll();
}

part("print").addEventListener("click", print);
part("zpl").addEventListener("click", () => {
  kept.sent = job?.id;
  save();
});
part("done").addEventListener("click", () => settle("printed", {}));
part("failed").addEventListener("click", () => settle("failed", { reason: texts.failedReason }));
for (const name of ["auto", "trust"]) {
  part(name).checked = Boolean(kept[name]);
  part(name).addEventListener("change", () => {
    kept[name] = part(name).checked;
    save();
  });
}

show();
stayAwake();
install();
poll();
setInterval(poll, POLL_MS);
