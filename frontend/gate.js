// The gate page: a phone or tablet at a door. The modules in gate/ do the work and know nothing of each other:
//   journal     what was read and is not acknowledged yet      server      the calls, with their time limits
//   checkpoint  one reading from code to answer                camera      QR codes from the video
//   wedge       scanners that type                             screen      what is shown       signals   what is heard
import { Camera } from "./gate/camera.js";
import { Checkpoint } from "./gate/checkpoint.js";
import { openJournal } from "./gate/journal.js";
import { Screen } from "./gate/screen.js";
import * as server from "./gate/server.js";
import { Signals, stayAwake } from "./gate/signals.js";
import { listenToScanner } from "./gate/wedge.js";

const HEARTBEAT_MS = 15_000;
const SAME_CODE_MS = 5000;
const CLOCK_LIMIT_MS = 120_000;
const VERSION = "gate 1";

const page = document.querySelector("[data-gate]");
const config = JSON.parse(document.getElementById("gate-config").textContent);
const { texts } = config;
const kiosk = config.profile === "gate_kiosk";
const screen = new Screen(page, { texts, locale: config.locale, kiosk });
const part = (name) => screen.part(name);
const journal = openJournal(config.pairing); // a promise: the page is up before the database is
const signals = new Signals(() => showSound());
let checkpoint;
let gate = config.gate;

// --- one reading ------------------------------------------------------------------------------------------------------

const seen = { code: "", at: 0 };
let override = null;

const show = {
  working: () => screen.working(),
  answer(row, answer) {
    const kind = screen.answer(answer);
    screen.count(answer);
    signals.play(kind);
    override = answer.overridable ? answer.scan_id : null;
    setOnline("online");
  },
  notStored(row, busy) {
    screen.notStored(busy);
    signals.play("deny");
    setOnline(busy ? "busy" : "offline");
  },
  gaveUp() {
    seen.code = ""; // the same badge may be tried again at once
    screen.idle();
  },
  stop(error, message) {
    signals.play("deny");
    if (error === "no_gate") return openGates();
    screen.stop(texts[error] ?? texts.refused, texts[error] ? "" : message);
    if (checkpoint.stopped) camera.stop();
  },
};

/** The camera sees a badge many times a second: it is read once, until it has been out of view for a while. */
function onCamera(code) {
  const now = Date.now();
  if (code === seen.code && now - seen.at < SAME_CODE_MS) {
    seen.at = now;
    screen.inView();
    return;
  }
  if (!checkpoint?.ready || document.querySelector("dialog[open]")) return;
  Object.assign(seen, { code, at: now });
  checkpoint.read(code, { wait: false });
}

listenToScanner((code) => checkpoint?.read(code));

part("manual-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = part("manual-code");
  const code = field.value.trim();
  if (!code) return field.focus();
  field.value = "";
  field.closest("dialog")?.close();
  checkpoint?.read(code);
});

// --- admitting by hand ------------------------------------------------------------------------------------------------

part("override-open")?.addEventListener("click", () => {
  screen.keep();
  part("override-by").value ||= localStorage.getItem("gate-by") ?? "";
  part("override-error").hidden = true;
  part("override-dialog").showModal();
});
part("override-dialog")?.addEventListener("close", () => screen.inView() ?? (screen.shown ? screen.idle() : null));
part("override-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = part("override-reason").value.trim();
  const by = part("override-by").value.trim();
  if (reason.length < 3 || by.length < 2) return fault(texts.overrideNeeds);
  localStorage.setItem("gate-by", by);
  const problem = await checkpoint.override(override, reason, by);
  if (problem) return fault(problem.message || texts.noConnection);
  part("override-reason").value = "";
  part("override-dialog").close();
});

function fault(message) {
  part("override-error").textContent = message;
  part("override-error").hidden = false;
}

// --- camera -----------------------------------------------------------------------------------------------------------

const camera = new Camera(part("video"), config.wasm, onCamera);

async function startCamera() {
  screen.cameraNote(texts.cameraStarts);
  try {
    await camera.start();
    screen.cameraNote("");
  } catch (error) {
    const known = { NotAllowedError: "Denied", NotFoundError: "Missing", OverconstrainedError: "Missing", NotReadableError: "InUse", Unsupported: "Insecure", Decoder: "Decoder" };
    const name = known[error.name] ?? "InUse";
    screen.cameraNote(texts[`camera${name}`], texts[`camera${name}Help`]);
  }
  await showCameraTools();
}

async function showCameraTools() {
  part("torch").hidden = !camera.hasTorch;
  part("torch").setAttribute("aria-pressed", "false");
  part("camera-other").hidden = !(camera.on && (await camera.hasOther().catch(() => false)));
  part("camera-toggle").setAttribute("aria-pressed", String(camera.on));
}

part("camera-retry").addEventListener("click", startCamera);
part("camera-toggle").addEventListener("click", async () => {
  localStorage.setItem("gate-camera", camera.on ? "off" : "on");
  if (!camera.on) return startCamera();
  camera.stop();
  screen.cameraNote(texts.cameraOff, texts.cameraOffHelp);
  await showCameraTools();
});
part("camera-other").addEventListener("click", () => camera.other().then(showCameraTools, startCamera));
part("torch").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  const on = button.getAttribute("aria-pressed") !== "true";
  await camera.torch(on).then(
    () => button.setAttribute("aria-pressed", String(on)),
    () => { button.hidden = true; },
  );
});
// A phone gives the camera away when the page is hidden; take it back.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  if (localStorage.getItem("gate-camera") !== "off" && !camera.on && checkpoint && !checkpoint.stopped) startCamera();
  beat();
});

// --- gate, direction, sound, screen -----------------------------------------------------------------------------------

function applyState(state) {
  gate = state.gate;
  screen.setCounts(state.counts);
  part("gate-name").textContent = gate?.name[config.locale] ?? texts.noGate;
  part("direction").hidden = gate?.direction !== "both";
  const kept = localStorage.getItem(`gate-direction-${config.pairing}`) ?? "entry";
  setDirection(gate?.direction === "both" ? kept : (gate?.direction ?? "entry"));
  fillGates(state.gates ?? []);
  if (!gate) openGates();
}

function setDirection(direction) {
  if (checkpoint) checkpoint.direction = gate?.direction === "both" ? direction : null;
  page.dataset.direction = direction;
  part("hint").textContent = direction === "exit" ? texts.hintExit : texts.hint;
  for (const radio of page.querySelectorAll("[name=direction]")) radio.checked = radio.value === direction;
}

page.addEventListener("change", (event) => {
  if (event.target.name !== "direction") return;
  localStorage.setItem(`gate-direction-${config.pairing}`, event.target.value);
  setDirection(event.target.value);
});

function fillGates(gates) {
  part("gate-list").replaceChildren(
    ...gates.map((one) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn gate-choice";
      button.textContent = `${one.code} · ${one.name[config.locale]}`;
      if (one.id === gate?.id) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => choose(one.id));
      return button;
    }),
  );
}

async function choose(id) {
  const result = await server.chooseGate(id);
  if (result.kind !== "answer") {
    part("gate-error").textContent = result.message || texts.noConnection;
    part("gate-error").hidden = false;
    return;
  }
  part("gate-dialog").close();
  screen.idle();
  applyState(result.body);
}

function openGates() {
  part("gate-error").hidden = true;
  screen.idle();
  if (!part("gate-dialog").open) part("gate-dialog").showModal();
}
part("gate-open")?.addEventListener("click", openGates);

function showSound() {
  const button = part("sound");
  button.dataset.sound = signals.state;
  button.setAttribute("aria-pressed", String(signals.state === "on"));
}
part("sound").addEventListener("click", () => signals.toggle());

const full = part("fullscreen");
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", () => {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  change.catch(() => {});
});

// --- the line to the server -------------------------------------------------------------------------------------------

let line = "online";

async function setOnline(now) {
  const back = now === "online" && line !== "online";
  line = now;
  const waiting = await (await journal).waiting();
  screen.setLine(line, waiting.length);
  if (back) beat();
}

async function beat() {
  if (!checkpoint || checkpoint.stopped) return;
  const rows = await journal;
  const result = await server.heartbeat({
    device_time: new Date().toISOString(),
    queue: (await rows.waiting()).length,
    version: VERSION,
    last_seq: await rows.lastSeq(),
  });
  if (result.kind === "refused" && result.status === 401) {
    checkpoint.stopped = true;
    return show.stop(result.error, result.message);
  }
  if (result.kind !== "answer") return setOnline(result.kind === "busy" ? "busy" : "offline");
  const { counts, offset_ms, gate_id } = result.body;
  if (checkpoint.ready) screen.setCounts(counts);
  screen.banner(Math.abs(offset_ms ?? 0) > CLOCK_LIMIT_MS ? texts.clock.replace("{n}", Math.round(Math.abs(offset_ms) / 60_000)) : "");
  await checkpoint.upload();
  await setOnline("online");
  if ((gate_id ?? null) !== (gate?.id ?? null)) await loadState(); // staff sent the device to another gate
}

async function loadState() {
  const result = await server.state();
  if (result.kind === "answer") applyState(result.body);
  else if (result.kind === "refused" && result.status === 401) {
    checkpoint.stopped = true;
    show.stop(result.error, result.message);
  } else setOnline("offline");
}

window.addEventListener("online", beat);
window.addEventListener("offline", () => setOnline("offline"));

// --- begin ------------------------------------------------------------------------------------------------------------

async function begin() {
  checkpoint = new Checkpoint(await journal, show);
  screen.idle();
  showSound();
  stayAwake();
  const wantsCamera = localStorage.getItem("gate-camera") !== "off";
  if (!wantsCamera) screen.cameraNote(texts.cameraOff, texts.cameraOffHelp);
  await Promise.all([loadState(), wantsCamera ? startCamera() : showCameraTools()]);
  await beat();
  setInterval(beat, HEARTBEAT_MS);
}

begin();
