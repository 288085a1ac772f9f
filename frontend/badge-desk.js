// A desk that reads badges: what a scanner types, or the camera sees, fills the form of the page and sends it.
import { Camera } from "./gate/camera.js";
import { Signals } from "./gate/signals.js";
import { listenToScanner } from "./gate/wedge.js";

const SAME_CODE_MS = 5000;
const desk = document.querySelector("[data-badge-desk]");
const form = desk?.querySelector("[data-badge-form]");

if (form) {
  const part = (name) => desk.querySelector(`[data-part="${name}"]`);
  const texts = JSON.parse(desk.dataset.texts);
  const field = form.elements.code;
  const signals = new Signals(() => {});
  const sent = { code: "", at: 0 };
  const next = []; // read while the answer to the one before is on its way
  let waiting = false;

  const read = (text) => {
    if (waiting) {
      if (text !== field.value && !next.includes(text)) next.push(text);
      return;
    }
    field.value = text;
    form.requestSubmit();
  };
  listenToScanner(read);

  // Each new reading gets its own mark; the same code again after a failure keeps it, so that nothing counts twice.
  document.addEventListener(
    "submit",
    (event) => {
      const mark = event.target.elements?.client_uuid;
      if (!mark || !event.target.matches("[data-badge-form], [data-fresh-uuid]")) return;
      const again = event.target === form && form.dataset.unanswered === field.value;
      if (!again || !mark.value) mark.value = newUuid();
      if (event.target !== form) return;
      form.dataset.unanswered = field.value;
      if (document.activeElement === field) field.select(); // the next code takes its place, also before this one is answered
    },
    true,
  );
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement !== form) return;
    waiting = true;
    ctx.code = ctx.request.body.get("code");
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement !== form) return;
    waiting = false;
    if (!(ctx.response?.status < 500)) next.length = 0; // that one is read again first
    else if (next.length) read(next.shift());
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement !== form) return;
    if (ctx.response.status < 500) {
      delete form.dataset.unanswered;
      if (field.value === ctx.code) field.value = "";
    }
    if (ctx.response.status >= 400) signals.play("deny");
  });
  document.addEventListener("htmx:after:swap", () => {
    const answer = desk.querySelector("[data-signal]:not([data-heard])");
    if (!answer) return;
    answer.dataset.heard = "";
    signals.play(answer.dataset.signal);
    if (matchMedia("(max-width: 62rem)").matches) answer.scrollIntoView({ block: "center" });
  });

  // The camera is off until somebody wants it: most desks have a scanner.
  const toggle = part("camera-toggle");
  const note = part("camera-note");
  const camera = new Camera(part("video"), desk.dataset.wasm, (code) => {
    const now = Date.now();
    const same = code === sent.code && now - sent.at < SAME_CODE_MS;
    Object.assign(sent, { code, at: now });
    if (!same) read(code);
  });
  toggle.hidden = false;
  toggle.addEventListener("click", async () => {
    note.hidden = true;
    if (camera.on) camera.stop();
    else {
      part("camera").hidden = false;
      await camera.start().catch((error) => {
        note.textContent = { NotAllowedError: texts.denied, Unsupported: texts.insecure }[error.name] ?? texts.missing;
        note.hidden = false;
      });
    }
    part("camera").hidden = !camera.on;
    toggle.setAttribute("aria-pressed", String(camera.on));
  });
}

/** crypto.randomUUID exists only in secure contexts; getRandomValues everywhere. */
function newUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
