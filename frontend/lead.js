// An exhibitor's scanner: one badge after the other, notes on each, with or without a network.
//   lead/store   what is not at the server yet        lead/sync    brings it there
//   lead/sheet   one visitor on the screen            gate/…       camera, typing scanners, badge codes, sounds, installation
import { clean, fault, parse } from "./gate/badge-code.js";
import { Camera } from "./gate/camera.js";
import { build, forgetPage, install } from "./gate/install.js";
import { Signals, stayAwake } from "./gate/signals.js";
import { listenToScanner } from "./gate/wedge.js";
import { Sheet } from "./lead/sheet.js";
import { Store } from "./lead/store.js";
import { Sync } from "./lead/sync.js";

const SAME_CODE_MS = 5000;
const BEAT_MS = 30_000;
const SAVE_MS = 500;
const MISS_MS = 3500;
const CLOCK_LIMIT_MS = 120_000;
const OPAQUE = /^[A-Z2-7]{26}$/;

const config = JSON.parse(document.getElementById("lead-config").textContent);
const { texts } = config;
const page = document.querySelector("[data-lead]");
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const signals = new Signals(() => showSound());
const seen = { code: "", at: 0 };
let store;
let sync;
let setup = config.setup;
let current = null; // {key, version, lead}
let broken = ""; // why nothing can be stored here
let pending = null; // notes that the person is just writing
let saveTimer;
let team = [];

// --- one visitor ------------------------------------------------------------------------------------------------------

const sheet = new Sheet(part, { texts, setup, onChange: (details) => changed(details) });

let early = ""; // read while the page still starts: the last one is stored once the stores are open

async function read(code) {
  if (!sync) {
    early = code;
    return miss(broken || texts.working);
  }
  if (sync.stopped) return miss(texts.revoked);
  const found = parse(code);
  const text = clean(code);
  // Payment codes, addresses and other strange codes are neither opened nor kept nor sent.
  if (!found.payload && !OPAQUE.test(text)) return miss(texts.notABadge);
  await leave();
  let row;
  try {
    row = await store.add(text);
  } catch {
    return miss(texts.notStored);
  }
  signals.play("here");
  current = { key: `s:${row.client_uuid}`, version: null, lead: null };
  sheet.open(found.payload ? await badgeOf(found) : { text: "", tone: "none" });
  sheet.status(texts.working);
  view("sheet");
  const mine = current;
  await sync.run({ fresh: row.client_uuid });
  if (current === mine && !current.lead) sheet.status(texts.offlineStored);
}

/** What the device itself can tell of a badge: genuine or not, and the class that is printed on it. */
async function badgeOf(found) {
  if (found.payload.edition_id !== config.edition) return { text: texts.wrongShow, tone: "bad" };
  const wrong = await fault(found, config.keys.filter((key) => key.state !== "compromised"));
  if (wrong) return { text: texts.notGenuine, tone: "bad" };
  const known = config.classes.find((one) => one.index === found.payload.class_bits);
  return { text: [texts.genuine, known?.[config.locale] || known?.zh || known?.en].filter(Boolean).join(" · "), tone: "good" };
}

function miss(text) {
  signals.play("deny");
  part("miss").textContent = text;
  part("miss").hidden = false;
  clearTimeout(miss.timer);
  miss.timer = setTimeout(() => { part("miss").hidden = true; }, MISS_MS);
}

function heard(key, receipt) {
  const { lead } = receipt;
  if (!lead) {
    if (current?.key === key) sheet.status(receipt.text);
    return;
  }
  if (current && (current.key === key || current.lead?.id === lead.id)) {
    const opened = current.lead?.released === false && lead.released;
    current.lead = lead;
    current.version = lead.version;
    sheet.show(lead, { mayAsk: Boolean(setup.ask) });
    const again = lead.scans > 1 ? texts.again.replace("{n}", lead.scans).replace("{who}", lead.captured_by) : "";
    sheet.status([opened ? texts.thanks : lead.released ? "" : receipt.text, again].filter(Boolean).join(" "));
    if (pending === null) sheet.saved(sheet.touched.size ? texts.saved : "");
  }
  team = [lead, ...team.filter((one) => one.id !== lead.id)];
  showTeam();
}

function changed(details) {
  if (!current) return;
  pending = { ...pending, ...details, answers: { ...pending?.answers, ...details.answers } };
  if (!Object.keys(pending.answers).length) delete pending.answers;
  sheet.saved(texts.saving);
  clearTimeout(saveTimer);
  saveTimer = setTimeout(save, SAVE_MS);
}

/** Keep what was noted, durably, then send it. */
async function save({ consent = null } = {}) {
  clearTimeout(saveTimer);
  if (!current || (pending === null && !consent)) return;
  const details = pending ?? {};
  pending = null;
  try {
    await store.note(current.key, { details, consent, version: current.version });
  } catch {
    return sheet.saved(texts.notStored, true);
  }
  sheet.saved(texts.savedHere);
  await sync.run();
}

/** Close the sheet; nothing that was typed is lost. */
async function leave() {
  document.querySelector("dialog[open]")?.close();
  if (pending !== null) await save();
  current = null;
}

part("next").addEventListener("click", async () => {
  const saving = leave();
  view("scan"); // the badge that is still in view is not read again: onCamera goes on noting it
  await saving;
});

function view(name) {
  page.dataset.view = name;
  part("scan-view").hidden = name !== "scan";
  part("sheet").hidden = name !== "sheet";
}

// --- the visitor agrees here ------------------------------------------------------------------------------------------

part("ask").addEventListener("click", () => {
  part("ask-title").textContent = setup.ask.title;
  part("ask-text").textContent = setup.ask.text;
  part("ask-dialog").showModal();
});
part("ask-yes").addEventListener("click", async () => {
  part("ask-dialog").close();
  const { version, locale } = setup.ask;
  await save({ consent: { version, locale, at: new Date().toISOString() } });
  if (current && !current.lead?.released) sheet.status(texts.thanksLater);
});

// --- the team's newest leads ------------------------------------------------------------------------------------------

function showTeam() {
  part("recent-none").hidden = team.length > 0;
  part("recent").replaceChildren(
    ...team.slice(0, 30).map((lead) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const name = document.createElement("strong");
      name.textContent = lead.visitor?.name ?? lead.title;
      const more = document.createElement("span");
      const rating = [texts[lead.temperature], "★".repeat(lead.stars)].filter(Boolean).join(" ");
      more.textContent = [lead.visitor?.company, rating, lead.captured_by, lead.captured_at].filter(Boolean).join(" · ");
      button.append(name, more);
      button.addEventListener("click", () => reopen(lead));
      row.append(button);
      return row;
    }),
  );
}

function reopen(lead) {
  current = { key: `l:${lead.id}`, version: lead.version, lead };
  sheet.open({ text: "", tone: "none" });
  sheet.show(lead, { mayAsk: Boolean(setup.ask) });
  sheet.status(lead.released ? "" : texts.noData);
  view("sheet");
}

async function loadTeam() {
  const body = await sync.recent();
  if (!body) return;
  team = body.leads;
  showTeam();
  if (JSON.stringify(body.setup) === JSON.stringify(setup) || current) return;
  setup = body.setup;
  sheet.use(setup);
}

// --- camera and scanners ----------------------------------------------------------------------------------------------

/** The camera sees a badge many times a second: it is read once, until it has been out of view for a while. */
function onCamera(code) {
  const now = Date.now();
  const same = code === seen.code && now - seen.at < SAME_CODE_MS;
  Object.assign(seen, { code, at: now });
  if (same || page.dataset.view !== "scan" || document.querySelector("dialog[open]")) return;
  read(code);
}

listenToScanner((code) => read(code));
part("manual-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = part("manual-code");
  const code = field.value.trim();
  if (!code) return field.focus();
  field.value = "";
  field.closest("dialog").close();
  return read(code);
});

const camera = new Camera(part("video"), config.wasm, onCamera);

async function startCamera() {
  cameraNote(texts.cameraStarts);
  try {
    await camera.start();
    cameraNote("");
  } catch (error) {
    const known = { NotAllowedError: "Denied", NotFoundError: "Missing", OverconstrainedError: "Missing", NotReadableError: "InUse", Unsupported: "Insecure", Decoder: "Decoder" };
    const name = known[error.name] ?? "InUse";
    cameraNote(texts[`camera${name}`], texts[`camera${name}Help`]);
  }
  await showCameraTools();
}

function cameraNote(title, text = "") {
  part("camera-note").hidden = !title;
  part("camera-title").textContent = title;
  part("camera-text").textContent = text;
}

async function showCameraTools() {
  part("torch").hidden = !camera.hasTorch;
  part("torch").setAttribute("aria-pressed", "false");
  part("camera-other").hidden = !(camera.on && (await camera.hasOther().catch(() => false)));
  part("camera-toggle").setAttribute("aria-pressed", String(camera.on));
}

part("camera-retry").addEventListener("click", startCamera);
part("camera-toggle").addEventListener("click", async () => {
  localStorage.setItem("lead-camera", camera.on ? "off" : "on");
  if (!camera.on) return startCamera();
  camera.stop();
  cameraNote(texts.cameraOff, texts.cameraOffHelp);
  return showCameraTools();
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
// A phone gives the camera away when the page is hidden; take it back. What was typed is kept before the page may die.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return save();
  if (localStorage.getItem("lead-camera") !== "off" && !camera.on && store && !sync.stopped) startCamera();
  return beat();
});
addEventListener("pagehide", () => save());

function showSound() {
  part("sound").dataset.sound = signals.state;
  part("sound").setAttribute("aria-pressed", String(signals.state === "on"));
}
part("sound").addEventListener("click", () => signals.toggle());

// --- the line to the server -------------------------------------------------------------------------------------------

async function showLine(line) {
  const waiting = await store.count();
  part("line").dataset.line = line;
  part("line-text").textContent = texts[line] + (waiting ? ` · ${texts.queued.replace("{n}", waiting)}` : "");
}

function banner(text) {
  part("banner").textContent = text;
  part("banner").hidden = !text;
}

async function beat() {
  if (!store || sync.stopped) return;
  await sync.run();
  const answer = await sync.beat(`lead ${build}`.slice(0, 60));
  if (!answer) return;
  const missing = (await store.journal.lastSeq()) - (await store.journal.count()) - answer.held_count;
  const off = Math.abs(answer.offset_ms ?? 0);
  if (missing > 0) banner(texts.lost.replace("{n}", missing));
  else banner(off > CLOCK_LIMIT_MS ? texts.clock.replace("{n}", Math.round(off / 60_000)) : "");
  await showLine("online");
  if (!current) await loadTeam();
}

addEventListener("online", beat);
addEventListener("offline", () => store && showLine("offline"));

part("give-back").addEventListener("click", async () => {
  const problem = (text) => {
    part("give-back-error").textContent = text;
    part("give-back-error").hidden = false;
  };
  await leave();
  await sync.run();
  const waiting = await store.count();
  if (waiting) return problem(texts.giveBackWaiting.replace("{n}", waiting));
  const result = await sync.unpair();
  if (result.kind !== "answer") return problem(result.message || texts.offline);
  sync.stopped = true;
  camera.stop();
  await store.wipe();
  forgetPage();
  return location.replace("/lead");
});

// --- begin ------------------------------------------------------------------------------------------------------------

async function begin() {
  showSound();
  stayAwake();
  view("scan");
  try {
    store = await Store.open(config.pairing);
  } catch {
    broken = texts.notStored;
    if (early) miss(broken);
    return banner(broken);
  }
  sync = new Sync(store, {
    lead: heard,
    refused: (key, message) => {
      if (current?.key === key) sheet.saved(texts.notSaved.replace("{why}", message), true);
    },
    line: (line) => showLine(line),
    async stopped(message, wipe) {
      banner(message || texts.revoked);
      camera.stop();
      await leave(); // what is being written is kept with the rest
      view("scan");
      cameraNote(texts.revoked);
      forgetPage();
      for await (const left of sync.handOver({ wipe })) banner(left ? texts.handing.replace("{n}", left) : texts.handed);
    },
  });
  install();
  if (early) read(early);
  const wantsCamera = localStorage.getItem("lead-camera") !== "off";
  if (!wantsCamera) cameraNote(texts.cameraOff, texts.cameraOffHelp);
  await Promise.all([store.adopt().catch(() => {}), wantsCamera ? startCamera() : showCameraTools()]);
  await beat();
  setInterval(beat, BEAT_MS);
}

begin();
