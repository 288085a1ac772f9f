// The gate page: a phone or tablet at a door. The modules in gate/ do the work and know nothing of each other:
//   journal     what was read and is not acknowledged yet      roster      the list of badges for the time without network
//   judge       what this device decides itself (decide.js)    checkpoint  one reading from code to answer
//   sync        heartbeat, queue, list, rules                  server      the calls, with their time limits
//   camera      QR codes from the video                        wedge       scanners that type
//   screen      what is shown                                  signals     what is heard
//   foreign     alarm of codes that are no badges
//   readiness   the check before the doors open                install     opens without a network
import { Camera } from "./gate/camera.js";
import { Checkpoint } from "./gate/checkpoint.js";
import { ForeignCodes } from "./gate/foreign.js";
import { build, install, isKept } from "./gate/install.js";
import { newUuid, openJournal } from "./gate/journal.js";
import { Judge } from "./gate/judge.js";
import { adopt, leave } from "./gate/leave.js";
import { Readiness } from "./gate/readiness.js";
import { openRoster } from "./gate/roster.js";
import { Screen } from "./gate/screen.js";
import * as server from "./gate/server.js";
import { Signals, stayAwake } from "./gate/signals.js";
import { Sync } from "./gate/sync.js";
import { listenToScanner } from "./gate/wedge.js";

const SAME_CODE_MS = 5000;
const CLOCK_LIMIT_MS = 120_000;
const ANNUL_MS = 15 * 60_000;
const HOLD_FOR_TOOLS_MS = 1500;

const page = document.querySelector("[data-gate]");
const config = JSON.parse(document.getElementById("gate-config").textContent);
const { texts } = config;
const kiosk = config.profile === "gate_kiosk";
const boot = newUuid();
const screen = new Screen(page, { texts, locale: config.locale, kiosk });
const part = (name) => screen.part(name);
const signals = new Signals(() => showSound());
const today = () => new Date().toISOString().slice(0, 10);
const health = { app: "waiting", awake: false, store: "ok", listFault: "" };
let journal;
let roster;
let judge;
let checkpoint;
let sync;
let readiness;
let gate = config.gate;

// --- one reading ------------------------------------------------------------------------------------------------------

const seen = { code: "", at: 0 };
let override = null;
let lastPassed = null; // {uuid, at}: may be taken back

const show = {
  working: () => screen.working(),
  answer(row, answer) {
    const kind = screen.answer(answer);
    screen.count(answer);
    signals.play(kind);
    if (!answer.repeat) foreign.note(answer.reason);
    showForeign();
    override = answer.overridable ? answer.scan_id : null;
    if (answer.status.startsWith("admit") && !answer.here && !answer.repeat) lastPassed = { uuid: answer.client_uuid, at: Date.now() };
    showAnnul();
    if (sync.line !== checkpoint.line) sync.setLine(checkpoint.line);
    else showLine();
    sync.heard(answer.snapshot_version);
  },
  counts: (counts) => screen.setCounts(counts),
  cannotStore() {
    health.store = "bad";
    screen.stop(texts.cannotStore, texts.cannotStoreHelp);
    signals.play("deny");
    seen.code = "";
  },
  stop(error, message, wipe) {
    signals.play("deny");
    if (error === "no_gate") return openGates();
    if (checkpoint.stopped) return gone(error, message, wipe);
    screen.stop(texts[error] ?? texts.refused, texts[error] ? "" : message);
  },
};

const foreign = new ForeignCodes();
let toldForeign = false; // what the server said of it last
const showForeign = () => screen.notice("foreign", toldForeign || foreign.many() ? texts.foreignCodes : "", "warn");

// What is read while the page still starts is held and decided once it has begun: the last code, for nobody waits longer.
const start = { done: false, stopped: false, code: "" };

function read(code, options) {
  if (!start.done) {
    if (start.stopped) return signals.play("deny"); // the screen says why
    start.code = code;
    return screen.working();
  }
  if (readiness.open) return tryOut(code);
  return checkpoint.read(code, options);
}

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
  read(code, { wait: false });
}

listenToScanner((code) => read(code));

part("manual-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = part("manual-code");
  const code = field.value.trim();
  if (!code) return field.focus();
  field.value = "";
  field.closest("dialog")?.close();
  read(code);
});

/** A test scan: read and decided as at the door, but nothing is stored. */
async function tryOut(code) {
  const found = await judge.decide({ client_uuid: newUuid(), code, device_time: new Date().toISOString(), direction: checkpoint.direction ?? undefined });
  const words = found.answer.text[config.locale];
  readiness.test(
    found.verdict.status.startsWith("admit")
      ? { state: "ok", text: texts.okScan.replace("{text}", words) }
      : { state: "note", text: texts.otherScan.replace("{text}", words), help: texts.doScan },
  );
  signals.play(found.verdict.status.startsWith("admit") ? "admit" : "deny");
}

// --- admitting by hand, taking back -----------------------------------------------------------------------------------

const byName = () => localStorage.getItem("gate-by") ?? "";

part("override-open")?.addEventListener("click", () => {
  screen.keep();
  part("override-by").value ||= byName();
  part("override-error").hidden = true;
  part("override-dialog").showModal();
});
part("override-dialog")?.addEventListener("close", () => screen.inView() ?? (screen.shown ? screen.idle() : null));
part("override-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = part("override-reason").value.trim();
  const by = part("override-by").value.trim();
  const fault = (text) => showFault("override-error", text);
  if (reason.length < 3 || by.length < 2) return fault(texts.overrideNeeds);
  localStorage.setItem("gate-by", by);
  const problem = await checkpoint.override(override, reason, by);
  if (problem) return fault(problem.message || texts.noConnection);
  part("override-reason").value = "";
  part("override-dialog").close();
});

function showAnnul() {
  const button = part("annul-open");
  if (button) button.disabled = !lastPassed || Date.now() - lastPassed.at > ANNUL_MS;
}
part("annul-open")?.addEventListener("click", () => {
  part("annul-by").value ||= byName();
  part("annul-error").hidden = true;
  part("annul-dialog").showModal();
});
part("annul-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = page.ownerDocument.querySelector("[name=annul-reason]:checked")?.value ?? "";
  const by = part("annul-by").value.trim();
  if (!reason || by.length < 2) return showFault("annul-error", texts.overrideNeeds);
  localStorage.setItem("gate-by", by);
  const problem = await checkpoint.annul(lastPassed.uuid, reason, by);
  if (problem) return showFault("annul-error", problem.message || texts.noConnection);
  lastPassed = null;
  seen.code = "";
  part("annul-dialog").close();
  screen.note(texts.annulled, texts.annulledHelp);
  showAnnul();
  sync.beat();
});

function showFault(name, message) {
  part(name).textContent = message;
  part(name).hidden = false;
}

// --- camera -----------------------------------------------------------------------------------------------------------

const camera = new Camera(part("video"), config.wasm, onCamera, { facing: kiosk ? "user" : "environment" });

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
  page.classList.toggle("gate-mirrored", camera.facing === "user");
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
part("camera-other").addEventListener("click", () => camera.other().then(startedOther, startCamera));
async function startedOther() {
  page.classList.toggle("gate-mirrored", camera.facing === "user");
  await showCameraTools();
}
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
  if (document.visibilityState !== "visible" || !checkpoint) return;
  if (localStorage.getItem("gate-camera") !== "off" && !camera.on && !checkpoint.stopped) startCamera();
  sync.beat();
});

// --- gate, direction, sound, screen -----------------------------------------------------------------------------------

function applyState(state) {
  gate = state.gate;
  if (state.counts) screen.setCounts(state.counts);
  part("gate-name").textContent = gate?.name[config.locale] ?? texts.noGate;
  part("direction").hidden = gate?.direction !== "both";
  checkpoint.gateId = gate?.id ?? null;
  const kept = localStorage.getItem(`gate-direction-${config.pairing}`) ?? "entry";
  setDirection(gate?.direction === "both" ? kept : (gate?.direction ?? "entry"));
  fillGates(state.gates ?? []);
  if (!gate) openGates();
}

function setDirection(direction) {
  checkpoint.direction = gate?.direction === "both" ? direction : null;
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
  if (result.kind !== "answer") return showFault("gate-error", result.message || texts.noConnection);
  part("gate-dialog").close();
  screen.idle();
  await keepState(result.body);
  await sync.refreshRules();
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

part("ready-open").addEventListener("click", () => readiness.show());

// A self-service gate has no buttons for its visitors: staff hold the name of the gate to see theirs.
if (kiosk) {
  let timer;
  const title = part("gate-name").parentElement;
  const end = () => clearTimeout(timer);
  title.addEventListener("pointerdown", () => {
    timer = setTimeout(() => page.ownerDocument.body.classList.toggle("gate-staff"), HOLD_FOR_TOOLS_MS);
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel"]) title.addEventListener(name, end);
  title.addEventListener("contextmenu", (event) => event.preventDefault());
}

// --- the line to the server -------------------------------------------------------------------------------------------

async function showLine() {
  const waiting = await journal.count().catch(() => 0);
  screen.setLine(sync.line, waiting, roster.age());
}

let conflicts = 0;
const on = {
  line(line) {
    checkpoint.line = line;
    showLine();
  },
  counts(counts) {
    judge.inside = counts?.inside ?? judge.inside;
    if (checkpoint.ready) screen.setCounts(counts);
    journal.note("counts", counts && { day: today(), counts }).catch(() => {});
  },
  clock(offset) {
    const wrong = Math.abs(offset) > CLOCK_LIMIT_MS;
    screen.notice("clock", wrong ? texts.clock.replace("{n}", Math.round(Math.abs(offset) / 60_000)) : "", "warn");
  },
  list(fault) {
    health.listFault = fault;
    screen.notice("list", fault ? texts.listFault[fault] : "", "alarm");
    if (readiness.open) readiness.check();
  },
  conflict() {
    conflicts += 1;
    screen.notice("conflicts", texts.conflicts.replace("{n}", conflicts), "notice");
  },
  beat({ alarms = [], missing_count: missing = 0 }) {
    showAnnul();
    screen.notice("cleared", journal.cleared ? texts.cleared : "", "alarm");
    screen.notice("lost", alarms.includes("lost_scans") ? texts.lostScans.replace("{n}", missing) : "", "warn");
    toldForeign = alarms.includes("foreign_codes");
    showForeign();
  },
  async gate(id) {
    if (id !== (gate?.id ?? null) || !part("gate-list").children.length) await loadState(); // staff may have moved the device
  },
  gone,
};

async function loadState() {
  const result = await server.state();
  if (result.kind === "answer") await keepState(result.body);
}

/** The gate and its neighbours, kept for a start without a network. */
async function keepState(state) {
  applyState(state);
  await journal.note("state", { gate: state.gate, gates: state.gates }).catch(() => {});
}

/** The device was withdrawn, or is not known any more: what it still holds is handed over, then forgotten. */
async function gone(error, message, wipe = false) {
  if (checkpoint.left) return;
  checkpoint.left = true;
  checkpoint.stopped = true;
  sync.stop();
  camera.stop();
  readiness.close();
  screen.notice("line", "");
  const title = texts[error] ?? texts.refused;
  screen.stop(title, texts[error] ? "" : message);
  if (error !== "device_revoked" && error !== "device_unknown") return;
  for await (const left of leave({ journal, roster, server, boot, known: error === "device_revoked", wipe })) {
    screen.stop(title, left ? texts.handing.replace("{n}", left) : texts.handed);
  }
}

// --- begin ------------------------------------------------------------------------------------------------------------

/** Only one tab is the gate: two would answer the same badge twice. Resolves when this one is it. */
function alone() {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve();
    const name = `gate-${config.pairing}`;
    const held = () => new Promise(() => {}); // until the tab is closed
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) {
        resolve();
        return held();
      }
      start.stopped = true;
      screen.stop(texts.otherTab, texts.otherTabHelp);
      // When the other one closes this one begins.
      navigator.locks.request(name, () => {
        location.reload();
        return held();
      });
      return undefined;
    });
  });
}

async function openStores() {
  journal = await openJournal(config.pairing);
  roster = await openRoster(config.pairing, { keys: config.keys, edition: config.edition });
  await navigator.storage?.persist?.().catch(() => false);
}

async function begin() {
  showSound();
  await alone();
  stayAwake((held) => {
    health.awake = held;
  });
  try {
    await openStores();
  } catch {
    start.stopped = true;
    return show.cannotStore();
  }
  judge = new Judge({ roster, journal, texts: config.reasons, leaving: config.leaving, edition: config.edition });
  checkpoint = new Checkpoint({ journal, judge, server, show, boot });
  sync = new Sync({ server, journal, roster, judge, on, boot, build });
  await sync.load();
  readiness = new Readiness(part("readiness"), { texts, format: screen.format, age: (s) => screen.age(s), probe, onStart: started });
  const [state, counted] = await Promise.all([journal.note("state"), journal.note("counts")]);
  if (counted?.day === today()) {
    judge.inside = counted.counts.inside ?? 0;
    screen.setCounts(counted.counts);
  }
  applyState(state && state.gate?.id === gate?.id ? state : { gate, gates: state?.gates ?? [] });
  const lost = await checkpoint.recover();
  if (lost) screen.notice("interrupted", texts.interrupted.replace("{n}", lost), "warn");
  screen.idle();
  if (localStorage.getItem(`gate-ready-${config.pairing}`) !== today()) readiness.show();
  start.done = true;
  if (start.code) read(start.code);
  const wantsCamera = localStorage.getItem("gate-camera") !== "off";
  if (!wantsCamera) screen.cameraNote(texts.cameraOff, texts.cameraOffHelp);
  install().then((found) => {
    health.app = found;
  });
  await Promise.all([sync.start(), wantsCamera ? startCamera() : showCameraTools(), adopt(config.pairing, server, boot)]);
}

function started() {
  localStorage.setItem(`gate-ready-${config.pairing}`, today());
  seen.code = "";
  screen.idle();
}

/** The state of things for the readiness check. */
async function probe() {
  const [storage, app] = await Promise.all([storageState(), health.app === "ready" ? "ready" : kept()]);
  health.store = await journal.note("probe", boot).then(() => "ok", () => "bad");
  return {
    ...health,
    line: sync.line,
    gate: gate?.name[config.locale] ?? "",
    camera: camera.on,
    sound: signals.state,
    storage,
    app,
    contact: judge.contact,
    offset: judge.offsetMs,
    roster,
    rules: judge.rules !== null,
    build,
  };
}

async function kept() {
  if (health.app !== "unsupported") health.app = await isKept();
  return health.app;
}

async function storageState() {
  try {
    const [{ quota, usage }, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
    return { quota, usage, persisted };
  } catch {
    return null;
  }
}

begin();
