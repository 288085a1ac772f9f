// The badge editor: an SVG in millimetres over the picture that the server draws, so what is seen is what is printed.
// The server decides what may be saved; here things are only moved about.
const root = document.querySelector("[data-layout-editor]");
const config = JSON.parse(document.getElementById("layout-config").textContent);
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const SVG = "http://www.w3.org/2000/svg";
const GRID = 0.5; // mm
const CATCH = 1.2; // mm: edges that are nearer than this snap to each other
const WAIT_MS = 220;
const NEW = {
  text: { w: 60, h: 8, source: "free", text_zh: "", text_en: "", size: 14, least: 8, lines: 1, align: "center", valign: "middle", bold: false, upper: false, colour: "black" },
  qr: { w: 30, h: 30 },
  band: { w: 60, h: 14 },
  image: { w: 30, h: 15, image: 0 },
  line: { w: 60, h: 0, weight: 0.4, colour: "black" },
  box: { w: 40, h: 20, weight: 0.4, colour: "black", fill: false },
};

const stage = part("stage");
let spec = structuredClone(config.spec);
let chosen = -1;
let faults = [];
const past = [];
const future = [];

const round = (value) => Math.round(value * 100) / 100;
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const current = () => spec.elements[chosen] ?? null;

// --- changes and their undoing ----------------------------------------------------------------------------------------

/** Change the drawing. Changes of one kind that follow each other closely (typing, arrow keys) are undone together. */
let lastKind = "";
let lastAt = 0;
function change(kind, work) {
  const now = performance.now();
  if (!kind || kind !== lastKind || now - lastAt > 900) {
    past.push(JSON.stringify({ spec, chosen }));
    if (past.length > 200) past.shift();
  }
  lastKind = kind;
  lastAt = now;
  future.length = 0;
  work();
  root.classList.add("is-dirty");
  draw();
}

function travel(from, to) {
  const step = from.pop();
  if (!step) return;
  to.push(JSON.stringify({ spec, chosen }));
  ({ spec, chosen } = JSON.parse(step));
  lastKind = "";
  draw();
}

function choose(index, { focus = false } = {}) {
  chosen = index;
  draw({ quiet: true });
  if (focus) part("list").querySelector(`[data-index="${index}"]`)?.focus();
}

function add(kind) {
  if (spec.elements.length >= config.most) return tell([{ element: null, message: config.texts.full }]);
  const { width, height } = spec.media;
  const fresh = { kind, x: 0, y: 0, ...structuredClone(NEW[kind]) };
  fresh.w = Math.min(fresh.w, width);
  fresh.h = Math.min(fresh.h, height);
  fresh.x = round((width - fresh.w) / 2);
  fresh.y = round((height - fresh.h) / 2);
  if (kind === "text") fresh.text_zh = fresh.text_en = config.texts.own;
  change("", () => {
    // A band or a box goes behind what stands there already.
    if (kind === "band" || kind === "box") spec.elements.unshift(fresh);
    else spec.elements.push(fresh);
    chosen = spec.elements.indexOf(fresh);
  });
  part("list").querySelector(`[data-index="${chosen}"]`)?.focus();
}

const tools = {
  undo: () => travel(past, future),
  redo: () => travel(future, past),
  copy() {
    const one = current();
    if (!one || spec.elements.length >= config.most) return;
    change("", () => {
      const twin = structuredClone(one);
      twin.x = round(Math.min(one.x + 2, Math.max(0, spec.media.width - one.w)));
      twin.y = round(Math.min(one.y + 2, Math.max(0, spec.media.height - one.h)));
      spec.elements.push(twin);
      chosen = spec.elements.length - 1;
    });
  },
  remove() {
    if (!current()) return;
    change("", () => {
      spec.elements.splice(chosen, 1);
      chosen = Math.min(chosen, spec.elements.length - 1);
    });
  },
  front: () => restack(spec.elements.length - 1),
  back: () => restack(0),
};

function restack(to) {
  if (!current()) return;
  change("", () => {
    const [one] = spec.elements.splice(chosen, 1);
    spec.elements.splice(to, 0, one);
    chosen = to;
  });
}

for (const button of root.querySelectorAll("[data-tool]")) button.addEventListener("click", () => tools[button.dataset.tool]());
for (const button of root.querySelectorAll("[data-add]")) button.addEventListener("click", () => add(button.dataset.add));

// --- places -----------------------------------------------------------------------------------------------------------

/** Put an element somewhere, inside the badge. The code stays square. */
function place(one, { x = one.x, y = one.y, w = one.w, h = one.h }) {
  const { width, height } = spec.media;
  const least = one.kind === "line" ? 0 : 1;
  if (one.kind === "qr") {
    const side = Math.max(w !== one.w ? w : h !== one.h ? h : w, 1);
    w = h = Math.min(side, width - Math.max(0, x), height - Math.max(0, y));
  }
  one.w = round(Math.min(Math.max(w, least), width));
  one.h = round(Math.min(Math.max(h, least), height));
  one.x = round(Math.min(Math.max(x, 0), width - one.w));
  one.y = round(Math.min(Math.max(y, 0), height - one.h));
}

/** Lines to which edges and middles snap: the badge's own and those of the other elements. */
function snapLines(axis) {
  const [at, size, whole] = axis === "x" ? ["x", "w", spec.media.width] : ["y", "h", spec.media.height];
  const lines = [0, whole / 2, whole];
  spec.elements.forEach((one, index) => {
    if (index !== chosen) lines.push(one[at], one[at] + one[size] / 2, one[at] + one[size]);
  });
  return lines;
}

/** The nearest snapping position for `value`, whose edges lie at `value + offset`; [value, line or null]. */
function snap(axis, value, offsets) {
  let best = null;
  for (const line of snapLines(axis)) {
    for (const offset of offsets) {
      const distance = Math.abs(value + offset - line);
      if (distance < CATCH && (!best || distance < best.distance)) best = { distance, value: line - offset, line };
    }
  }
  return best ? [best.value, best.line] : [Math.round(value / GRID) * GRID, null];
}

// --- pointer ----------------------------------------------------------------------------------------------------------

let drag = null;
let guides = [];

const toDrawing = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());

stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  const handle = event.target.closest("[data-handle]");
  const item = event.target.closest("[data-index]");
  if (!handle && !item) return choose(-1);
  if (item) choose(Number(item.dataset.index));
  const one = current();
  if (!one) return;
  stage.setPointerCapture(event.pointerId);
  drag = { id: event.pointerId, handle: handle?.dataset.handle ?? "", from: toDrawing(event), start: { ...one }, moved: false };
  event.preventDefault();
  stage.focus({ preventScroll: true });
});

stage.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const to = toDrawing(event);
  const [dx, dy] = [to.x - drag.from.x, to.y - drag.from.y];
  if (!drag.moved && Math.hypot(dx, dy) < 0.4) return;
  const one = current();
  const { start, handle } = drag;
  if (!drag.moved) {
    drag.moved = true;
    past.push(JSON.stringify({ spec, chosen }));
    future.length = 0;
    root.classList.add("is-dirty");
  }
  guides = [];
  const free = event.altKey;
  const fit = (axis, value, offsets) => {
    if (free) return value;
    const [found, line] = snap(axis, value, offsets);
    if (line !== null) guides.push([axis, line]);
    return found;
  };
  if (!handle) {
    place(one, {
      x: fit("x", start.x + dx, [0, start.w / 2, start.w]),
      y: fit("y", start.y + dy, [0, start.h / 2, start.h]),
    });
  } else resize(one, start, handle, dx, dy, fit);
  draw();
});

function resize(one, start, handle, dx, dy, fit) {
  let { x, y, w, h } = start;
  const right = x + w;
  const bottom = y + h;
  if (handle.includes("e")) w = fit("x", right + dx, [0]) - x;
  if (handle.includes("s")) h = fit("y", bottom + dy, [0]) - y;
  if (handle.includes("w")) x = Math.min(fit("x", x + dx, [0]), right - 1);
  if (handle.includes("n")) y = Math.min(fit("y", y + dy, [0]), bottom - 1);
  if (handle.includes("w")) w = right - Math.max(0, x);
  if (handle.includes("n")) h = bottom - Math.max(0, y);
  if (one.kind === "qr") {
    const side = Math.max(Math.abs(w - start.w) >= Math.abs(h - start.h) ? w : h, 1);
    if (handle.includes("w")) x = right - side;
    if (handle.includes("n")) y = bottom - side;
    w = h = side;
    one.w = one.h = -1; // both count as changed
  }
  place(one, { x: Math.max(0, x), y: Math.max(0, y), w, h });
}

for (const end of ["pointerup", "pointercancel"]) {
  stage.addEventListener(end, (event) => {
    if (event.pointerId !== drag?.id) return;
    drag = null;
    guides = [];
    draw();
  });
}

// --- keyboard ---------------------------------------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
  const control = event.ctrlKey || event.metaKey;
  const arrow = ARROWS[event.key];
  const one = current();
  if (arrow && one) {
    const step = event.shiftKey ? 0.1 : 1;
    const [dx, dy] = [arrow[0] * step, arrow[1] * step];
    change(control ? "size" : "move", () =>
      place(one, control ? { w: one.w + dx, h: one.h + dy } : { x: one.x + dx, y: one.y + dy }),
    );
  } else if (control && event.key.toLowerCase() === "z") tools[event.shiftKey ? "redo" : "undo"]();
  else if (control && event.key.toLowerCase() === "y") tools.redo();
  else if (control && event.key.toLowerCase() === "d") tools.copy();
  else if (event.key === "Delete" || event.key === "Backspace") tools.remove();
  else if (event.key === "PageDown" || event.key === "PageUp") {
    const count = spec.elements.length;
    if (count) choose((chosen + (event.key === "PageDown" ? 1 : -1) + count) % count);
  } else if (event.key === "Escape") choose(-1);
  else return;
  event.preventDefault();
}
stage.addEventListener("keydown", onKey);
part("list").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") return;
  onKey(event);
  const again = part("list").querySelector(`[data-index="${chosen}"]`);
  if (event.defaultPrevented && again && document.activeElement !== again) again.focus();
});
part("list").addEventListener("click", (event) => {
  const button = event.target.closest("[data-index]");
  if (button) choose(Number(button.dataset.index), { focus: true });
});

// --- the panel --------------------------------------------------------------------------------------------------------

function valueOf(control) {
  if (control.type === "checkbox") return control.checked;
  if (control.type === "number" || "number" in control.dataset) return control.value === "" ? null : Number(control.value);
  return control.value;
}

function put(control, value) {
  if (control.type === "checkbox") control.checked = Boolean(value);
  else if (control !== document.activeElement) control.value = value ?? "";
}

root.addEventListener("input", (event) => {
  const control = event.target;
  const { prop, media } = control.dataset;
  const one = current();
  if (prop && one) {
    change(`prop-${prop}`, () => {
      one[prop] = valueOf(control);
      if (one.kind === "qr" && (prop === "w" || prop === "h")) one.w = one.h = one[prop];
    });
  } else if (media) {
    change(`media-${media}`, () => {
      spec.media[media] = valueOf(control);
      if (media === "kind") newPaper();
    });
  }
});

/** Another kind of paper needs fields that the old one did not have. */
function newPaper() {
  const usual = { columns: 2, rows: 2, margin_x: 0, margin_y: 0, gap_x: 0, gap_y: 0, marks: true, dpi: 300 };
  spec.media = { ...usual, ...spec.media };
  if (spec.media.kind === "sheet") {
    // As many as fit, when the columns and rows of before do not.
    const { width, height } = spec.media;
    if (isNumber(width) && width > 0) spec.media.columns = Math.max(1, Math.min(6, Math.floor(210 / width)));
    if (isNumber(height) && height > 0) spec.media.rows = Math.max(1, Math.min(10, Math.floor(297 / height)));
  } else Object.assign(spec.media, { columns: 1, rows: 1 });
}

part("upload").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  const error = part("upload-error");
  error.hidden = true;
  const body = new FormData();
  body.append("file", file);
  try {
    const response = await fetch(config.upload, { method: "POST", body, headers: { ...token(), Accept: "application/json" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.message);
    const select = root.querySelector('select[data-prop="image"]');
    if (![...select.options].some((o) => o.value === String(answer.id))) {
      select.add(new Option(`${answer.name} (${answer.width} × ${answer.height})`, answer.id));
    }
    const one = current();
    if (one?.kind !== "image") return;
    change("", () => {
      one.image = answer.id;
      place(one, { h: (one.w * answer.height) / answer.width });
    });
  } catch (problem) {
    error.textContent = problem.message || config.texts.failed;
    error.hidden = false;
  } finally {
    event.target.value = "";
  }
});

function token() {
  return { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content };
}

// --- drawing ----------------------------------------------------------------------------------------------------------

function make(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

const paper = make("rect", { class: "le-paper", x: 0, y: 0 }, stage);
const picture = make("image", { x: 0, y: 0, preserveAspectRatio: "none" }, stage);
const items = make("g", {}, stage);
const marks = make("g", {}, stage);

const nameOf = (one) => {
  const kind = config.kinds[one.kind] ?? one.kind;
  if (one.kind !== "text") return kind;
  if (one.source === "free") return one.text_zh || one.text_en || kind;
  return config.sources[one.source] ?? kind;
};

function draw({ quiet = false } = {}) {
  const width = isNumber(spec.media.width) && spec.media.width > 0 ? spec.media.width : 100;
  const height = isNumber(spec.media.height) && spec.media.height > 0 ? spec.media.height : 100;
  stage.setAttribute("viewBox", `-2 -2 ${width + 4} ${height + 4}`);
  for (const node of [paper, picture]) {
    node.setAttribute("width", width);
    node.setAttribute("height", height);
  }
  const wrong = new Set(faults.map((f) => f.element));
  items.replaceChildren();
  spec.elements.forEach((one, index) => {
    if (![one.x, one.y, one.w, one.h].every(isNumber)) return;
    const classes = ["le-item", index === chosen && "is-chosen", wrong.has(index) && "is-wrong"].filter(Boolean).join(" ");
    const pad = one.w < 1 || one.h < 1 ? 1 : 0; // a line is hard to hit
    make("rect", { class: classes, "data-index": index, x: one.x - pad, y: one.y - pad, width: one.w + 2 * pad, height: one.h + 2 * pad }, items);
  });
  marks.replaceChildren();
  for (const [axis, line] of guides) {
    make("line", axis === "x" ? { class: "le-guide", x1: line, x2: line, y1: 0, y2: height } : { class: "le-guide", x1: 0, x2: width, y1: line, y2: line }, marks);
  }
  const one = current();
  if (one && [one.x, one.y, one.w, one.h].every(isNumber)) {
    const side = Math.max(width, height) / 45;
    for (const name of ["nw", "n", "ne", "e", "se", "s", "sw", "w"]) {
      const x = one.x + (name.includes("w") ? 0 : name.includes("e") ? one.w : one.w / 2);
      const y = one.y + (name.includes("n") ? 0 : name.includes("s") ? one.h : one.h / 2);
      if (name.length === 1 && ("ns".includes(name) ? one.w : one.h) < side * 3) continue;
      make("rect", { class: `le-handle le-handle-${name}`, "data-handle": name, x: x - side / 2, y: y - side / 2, width: side, height: side, rx: side / 5 }, marks);
    }
  }
  drawList(wrong);
  drawPanel(one);
  part("spec").value = JSON.stringify(spec);
  part("pdf-spec").value = part("spec").value;
  part("pdf-class").value = part("class").value;
  if (!quiet) preview();
}

function drawList(wrong) {
  const held = document.activeElement?.closest?.("[data-part=list] [data-index]")?.dataset.index;
  part("list").replaceChildren(
    ...spec.elements.map((one, index) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = `le-row${wrong.has(index) ? " is-wrong" : ""}`;
      button.dataset.index = index;
      button.setAttribute("aria-pressed", String(index === chosen));
      button.textContent = `${index + 1} · ${nameOf(one)}`;
      row.append(button);
      return row;
    }),
  );
  if (held !== undefined) part("list").querySelector(`[data-index="${Math.min(Number(held), spec.elements.length - 1)}"]`)?.focus();
}

function drawPanel(one) {
  part("nothing").hidden = Boolean(one);
  part("props").hidden = !one;
  for (const group of root.querySelectorAll("[data-kinds]")) group.hidden = !one || !group.dataset.kinds.split(" ").includes(one.kind);
  for (const group of root.querySelectorAll("[data-source]")) group.hidden = one?.source !== group.dataset.source;
  for (const group of document.querySelectorAll("[data-media-kinds]")) group.hidden = group.dataset.mediaKinds !== spec.media.kind;
  if (one) for (const control of root.querySelectorAll("[data-prop]")) put(control, one[control.dataset.prop]);
  for (const control of root.querySelectorAll("[data-media]")) put(control, spec.media[control.dataset.media]);
  const off = { undo: !past.length, redo: !future.length, copy: !one, remove: !one, front: !one, back: !one };
  for (const [name, disabled] of Object.entries(off)) root.querySelector(`[data-tool="${name}"]`).disabled = disabled;
}

// --- the server's pictures --------------------------------------------------------------------------------------------

let timer;
let asking;
const kept = {};

function preview() {
  asking?.abort(); // its answer is of an older layout
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT_MS);
}

async function ask() {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const [zh, en] = await Promise.all([shot("zh", mine.signal), shot("en", mine.signal)]);
    if (mine.signal.aborted) return;
    tell(zh.faults ?? en.faults ?? []);
    if (zh.url && en.url) {
      show("zh", zh.url);
      show("en", en.url);
    }
  } catch (error) {
    if (error.name !== "AbortError") tell([{ element: null, message: config.texts.failed }]);
  }
}

async function shot(sample, signal) {
  const response = await fetch(config.preview, {
    method: "POST",
    signal,
    headers: { ...token(), "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ spec, sample, class_id: part("class").value }),
  });
  if (response.status === 422) return { faults: (await response.json()).faults ?? [] };
  if (!response.ok || !(response.headers.get("Content-Type") ?? "").startsWith("image/")) throw new Error(response.status);
  return { url: URL.createObjectURL(await response.blob()) };
}

function show(sample, url) {
  const image = part(`shot-${sample}`);
  image.src = url;
  image.hidden = false;
  if (kept[sample]) URL.revokeObjectURL(kept[sample]);
  kept[sample] = url;
  if (part("sample").value === sample) picture.setAttribute("href", url);
}

function tell(found) {
  const before = JSON.stringify(faults);
  faults = found;
  part("faults").replaceChildren(
    ...(found.length
      ? found.map(({ element, message }) => {
          const line = document.createElement(element === null ? "p" : "button");
          line.className = "le-fault";
          line.textContent = message;
          if (element !== null) {
            line.type = "button";
            line.addEventListener("click", () => choose(element, { focus: true }));
          }
          return line;
        })
      : [Object.assign(document.createElement("p"), { className: "le-good", textContent: config.texts.good })]),
  );
  if (JSON.stringify(faults) !== before) draw({ quiet: true });
}

part("sample").addEventListener("change", () => {
  const url = kept[part("sample").value];
  if (url) picture.setAttribute("href", url);
});
part("class").addEventListener("change", () => draw());

draw();
