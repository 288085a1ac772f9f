// The kiosk: ticket → preview → correct → print. Nothing of a person stays on the page or in the browser: each step has a
// time limit, and on the way back to the start everything is emptied.
import { Camera } from "./gate/camera.js";
import { forgetPage, install } from "./gate/install.js";
import { Signals, stayAwake } from "./gate/signals.js";
import { listenToScanner } from "./gate/wedge.js";

const QUIET_MS = 30_000; // nobody touches the screen: the next visitor shall not see this one
const DONE_MS = 10_000;
const CALL_MS = 10_000;
const SAME_CODE_MS = 4000;
const KEEP_ALIVE_MS = 30_000;

const root = document.querySelector("[data-kiosk]");
const config = JSON.parse(document.getElementById("kiosk-config").textContent);
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const FIELDS = ["name", "company", "job_title"];
const signals = new Signals(showSound);

let view = "start";
let token = "";
let key = "";
let left;
let visit = 0; // answers that come after the visitor has left belong to nobody

function show(name) {
  view = name;
  for (const section of root.querySelectorAll("[data-view]")) section.hidden = section.dataset.view !== name;
  root.querySelector(`[data-view="${name}"] [tabindex="-1"]:not(video)`)?.focus();
  clearInterval(left);
  if (name === "check") countDown(QUIET_MS);
  else if (name === "refused") countDown(QUIET_MS / 2);
  else if (name === "done") countDown(DONE_MS);
}

/** Back to the start after a while without a touch or a key. */
let end = 0;
let span = 0;
function countDown(ms) {
  span = ms;
  end = performance.now() + ms;
  part("left").max = ms / 1000;
  left = setInterval(() => {
    const rest = end - performance.now();
    part("left").value = Math.max(0, rest / 1000);
    if (rest <= 0) home();
  }, 250);
}
for (const name of ["pointerdown", "keydown", "input"]) {
  document.addEventListener(name, () => {
    if (view === "check") end = performance.now() + span;
  });
}

function home() {
  visit += 1;
  token = key = "";
  for (const name of FIELDS) part(name).value = "";
  for (const name of ["class", "contact", "printer", "error", "refused-zh", "refused-en"]) part(name).textContent = "";
  part("error").hidden = true;
  show("start");
}

async function call(url, body) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(CALL_MS),
    });
    if (!(response.headers.get("Content-Type") ?? "").includes("json")) throw new Error("no answer of ours");
    const answer = await response.json();
    setLine(true);
    if (response.ok) return answer;
    if (response.status === 401 || response.status === 403) {
      forgetPage();
      return refusal("withdrawn");
    }
    return refusal("busy");
  } catch {
    setLine(false);
    return refusal("offline");
  }
}

function refusal(name) {
  const [zh, en] = config.texts[name];
  return { status: "refused", reason: name, zh, en };
}

function refuse({ zh, en }) {
  home();
  part("refused-zh").textContent = zh;
  part("refused-en").textContent = en;
  signals.play("deny");
  show("refused");
}

// --- the ticket -------------------------------------------------------------------------------------------------------

const seen = { code: "", at: 0 };

async function read(code) {
  if (view === "working" || view === "check") return; // somebody's badge is on the screen
  if (view !== "start") home(); // the next visitor need not wait until the last answer goes
  const mine = (visit += 1);
  show("working");
  const answer = await call(config.ticket, { code });
  if (mine !== visit) return;
  if (answer.status !== "open") return refuse(answer);
  token = answer.token;
  key = crypto.randomUUID();
  for (const name of FIELDS) part(name).value = answer[name];
  part("class").textContent = answer.class.zh === answer.class.en ? answer.class.zh : `${answer.class.zh} ${answer.class.en}`;
  part("contact").textContent = answer.contact;
  signals.play("admit");
  show("check");
}

function onCamera(code) {
  const now = Date.now();
  const same = code === seen.code && now - seen.at < SAME_CODE_MS;
  Object.assign(seen, { code, at: now });
  if (!same) read(code);
}

listenToScanner(read);

part("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (view !== "check") return;
  const mine = visit;
  const sent = { token, key };
  for (const name of FIELDS) sent[name] = part(name).value;
  show("working");
  let answer = await call(config.confirm, sent);
  // The answer may be lost after the badge was sent to the printer: ask once more, the key makes it the same print.
  if (answer.reason === "offline" || answer.reason === "busy") answer = await call(config.confirm, sent);
  if (mine !== visit) return;
  if (answer.status === "again") {
    part("error").textContent = `${answer.zh} · ${answer.en}`;
    part("error").hidden = false;
    signals.play("warn");
    show("check");
    return part("name").focus();
  }
  if (answer.status !== "printing") return refuse(answer);
  home();
  part("printer").textContent = answer.printer;
  signals.play("admit");
  show("done");
});

part("stop").addEventListener("click", home);
part("back").addEventListener("click", home);

// --- the machine ------------------------------------------------------------------------------------------------------

const camera = new Camera(part("video"), config.wasm, onCamera);

async function startCamera() {
  try {
    await camera.start();
    part("camera").hidden = false;
    part("camera-note").hidden = true;
  } catch {
    part("camera").hidden = true;
    part("camera-note").textContent = config.texts.cameraOff.join(" · ");
    part("camera-note").hidden = false;
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !camera.on) startCamera();
});

function setLine(online) {
  part("line").dataset.line = online ? "online" : "offline";
  part("line-text").textContent = online ? "在线 Online" : "离线 Offline";
}

/** Looks whether the server is there, so that nobody scans in vain. */
async function ping() {
  if (view !== "start") return;
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    setLine(response.ok);
  } catch {
    setLine(false);
  }
}
setInterval(ping, KEEP_ALIVE_MS);
window.addEventListener("online", ping);
window.addEventListener("offline", () => setLine(false));

function showSound() {
  const button = part("sound");
  button.dataset.sound = signals.state;
  button.setAttribute("aria-pressed", String(signals.state === "on"));
}
part("sound").addEventListener("click", () => signals.toggle());
part("fullscreen").hidden = !document.fullscreenEnabled;
part("fullscreen").addEventListener("click", () => {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  change.catch(() => {});
});

showSound();
stayAwake();
install();
startCamera();
ping();
