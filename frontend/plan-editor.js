// Drawing the hall. Every change is one step that the server checks and saves; what is on the screen is what it answered.
import { neighbour } from "./plan/neighbour.js";
import { panZoom } from "./plan/panzoom.js";

const root = document.querySelector("[data-plan-editor]");
const svg = root.querySelector("[data-drawing]");
const config = JSON.parse(document.getElementById("plan-config").textContent);
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const layer = svg.querySelector("[data-booths]");
const ghost = svg.querySelector("[data-ghost]");
const SVG = "http://www.w3.org/2000/svg";
const S = config.scale;
const EVERY = 10_000;

const booths = new Map();
const nodes = new Map();
const chosen = new Set();
const past = [];
const future = [];
let mode = "select";
let drag = null;
let corners = [];
let busy = 0;
let steps = 0;
let filled = "";
let queue = Promise.resolve();

const cent = (value) => Math.round(value * 100) / 100;
const grid = () => Number(document.getElementById("plan-grid").value);
const boxOf = (shape) => {
  const xs = shape.map((p) => p[0]);
  const ys = shape.map((p) => p[1]);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, w: cent(Math.max(...xs) - x), d: cent(Math.max(...ys) - y) };
};
const rect = (x, y, w, d) => [[x, y], [x + w, y], [x + w, y + d], [x, y + d]].map((p) => p.map(cent));
const areaOf = (shape) => Math.abs(shape.reduce((sum, [x, y], i) => {
  const [u, v] = shape[(i + 1) % shape.length];
  return sum + x * v - u * y;
}, 0)) / 2;
const isRect = (shape) => shape.length === 4 && cent(areaOf(shape)) === cent(boxOf(shape).w * boxOf(shape).d);
const points = (shape) => shape.map(([x, y]) => `${x * S},${y * S}`).join(" ");
const make = (tag, attributes, parent) => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
};
const node = (id) => nodes.get(id);
const seen = (id) => ({ id, version: booths.get(id).version });
const list = () => [...chosen].map((id) => booths.get(id));

// --- showing ----------------------------------------------------------------------------------------------------------

function put(booth) {
  booths.set(booth.id, booth);
  const { x, y, w, d } = boxOf(booth.shape);
  const room = Math.min(((w * S) / Math.max(2, booth.code.length)) * 1.5, (d * S) / 3);
  const size = room >= 14 ? "lg" : room >= 9 ? "md" : "sm";
  let group = node(booth.id);
  if (!group) {
    group = make("g", { "data-booth": booth.id, tabindex: "0", role: "button" }, layer);
    nodes.set(booth.id, group);
    make("polygon", {}, group);
    make("text", { "aria-hidden": "true" }, group);
  }
  group.setAttribute("class", `booth booth-${booth.state}${booth.bound ? " is-bound" : ""}`);
  group.setAttribute("aria-label", booth.label);
  group.querySelector("polygon").setAttribute("points", points(booth.shape));
  const text = group.querySelector("text");
  text.setAttribute("class", size);
  text.setAttribute("x", (x + w / 2) * S);
  text.setAttribute("y", (y + d / 2) * S);
  text.textContent = `${booth.code} ${booth.letter}`.trim();
}

function drop(id) {
  booths.delete(id);
  chosen.delete(id);
  const old = node(id);
  const focused = old === document.activeElement;
  old?.remove();
  nodes.delete(id);
  if (focused) svg.focus({ preventScroll: true });
}

function mark() {
  for (const one of layer.children) {
    const on = chosen.has(Number(one.dataset.booth));
    one.classList.toggle("is-selected", on);
    if (on || one.hasAttribute("aria-pressed")) one.setAttribute("aria-pressed", String(on));
  }
  const all = list();
  const area = cent(all.reduce((sum, b) => sum + areaOf(b.shape), 0));
  part("chosen").textContent = all.length
    ? `${config.texts.chosen.replace("{count}", all.length).replace("{area}", area)}: ${all.slice(0, 8).map((b) => b.code).join(", ")}${all.length > 8 ? " …" : ""}`
    : config.texts.none;
  const single = all.length === 1 && !all[0].bound && isRect(all[0].shape) ? all[0] : null;
  part("size").hidden = !single;
  part("number").hidden = !all.length;
  if (single) {
    const { x, y, w, d } = boxOf(single.shape);
    const form = part("size").elements;
    const now = [all[0].id, x, y, w, d].join();
    if (now !== filled) [form.x.value, form.y.value, form.w.value, form.d.value] = [x, y, w, d]; // else somebody may be typing in it
    filled = now;
  } else filled = "";
  root.querySelector('[data-tool="merge"]').disabled = all.length < 2;
  root.querySelector('[data-tool="remove"]').disabled = !all.length;
  root.querySelector('[data-tool="undo"]').disabled = !past.length;
  root.querySelector('[data-tool="redo"]').disabled = !future.length;
  handles();
}

function handles() {
  ghost.replaceChildren();
  const all = list();
  if (mode === "select" && all.length === 1 && !all[0].bound) {
    const size = Math.max(1.2, 7 / ((svg.getScreenCTM()?.a ?? 1) * view.scale()));
    all[0].shape.forEach(([x, y], i) =>
      make("rect", { class: "plan-handle", "data-corner": i, x: x * S - size, y: y * S - size, width: 2 * size, height: 2 * size }, ghost),
    );
  }
}

function choose(id, more) {
  if (more) {
    if (!chosen.delete(id)) chosen.add(id);
  } else if (!(chosen.size === 1 && chosen.has(id))) {
    chosen.clear();
    chosen.add(id);
  }
  mark();
}

function tell(message = "", differences = []) {
  part("message").textContent = message;
  part("message").hidden = !message;
  const lines = differences.flatMap(({ code, changes }) => changes.map((change) => `${code}: ${change}`));
  part("differences").replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  part("differences").hidden = !lines.length;
}

// --- steps ------------------------------------------------------------------------------------------------------------

/** Ask the server for one step; steps go one after the other. Resolves to its answer, null when it was refused. */
function step(body, { onto = past, keep = false } = {}) {
  busy += 1;
  steps += 1;
  queue = queue.then(() => send(body(), onto, keep)).finally(() => {
    busy -= 1;
    mark();
  });
  return queue;
}

async function send(body, onto, keep) {
  let answer;
  let found;
  try {
    answer = await fetch(config.steps, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content,
      },
      body: JSON.stringify(body),
    });
    found = await answer.json();
  } catch {
    tell(config.texts.offline);
    redraw();
    return null;
  }
  for (const id of found.gone ?? []) drop(id);
  for (const booth of found.booths ?? []) put(booth);
  if (!answer.ok) {
    tell(found.message ?? "", found.differences);
    redraw();
    return null;
  }
  tell();
  onto.push(found.step);
  if (!keep) future.length = 0;
  document.getElementById("new-code").value = found.next;
  return found;
}

const redraw = () => {
  for (const booth of booths.values()) put(booth);
};

async function back(from, to) {
  const token = from.pop();
  if (token) await step(() => ({ do: "revert", step: token }), { onto: to, keep: true });
}

const tools = {
  undo: () => back(past, future),
  redo: () => back(future, past),
  async merge() {
    const found = await step(() => ({ do: "merge", booths: [...chosen].map(seen) }));
    if (found) choose(found.booths[0].id);
  },
  remove: () => chosen.size && step(() => ({ do: "remove", booths: [...chosen].map(seen) })),
};
for (const button of root.querySelectorAll("[data-tool]")) button.addEventListener("click", () => tools[button.dataset.tool]());

/** Move or resize: `change` makes a new outline of an old one. */
function reshape(ids, change) {
  const bound = ids.map((id) => booths.get(id)).find((b) => b.bound);
  if (bound) {
    tell(config.texts.bound.replace("{code}", bound.code));
    redraw();
    return;
  }
  step(() => ({ do: "reshape", booths: ids.map((id) => ({ ...seen(id), code: booths.get(id).code, shape: change(booths.get(id).shape) })) }));
}

function add(shape) {
  const form = part("new").elements;
  return step(() => ({ do: "draw", booths: [{ code: form.code.value, kind: form.kind.value, shape }] })).then((found) => {
    if (found) choose(found.booths[0].id);
  });
}

// --- snapping ---------------------------------------------------------------------------------------------------------

const catchM = () => Math.min(0.3, 8 / ((svg.getScreenCTM()?.a ?? 1) * view.scale() * S) + 0.05);

function walls(axis, without) {
  const out = [0, axis === 0 ? config.width : config.depth];
  for (const booth of booths.values()) if (!without.has(booth.id)) for (const p of booth.shape) out.push(p[axis]);
  return out;
}

function snap(value, near) {
  const wall = near.reduce((best, one) => (Math.abs(one - value) < Math.abs(best - value) ? one : best), Infinity);
  if (Math.abs(wall - value) <= catchM()) return wall;
  return cent(Math.round(value / grid()) * grid());
}

/** How far a group goes so that one of its edges meets a wall, else its first edge the grid. */
function snapShift(low, high, shift, near) {
  let best = null;
  for (const edge of [low, high]) {
    for (const wall of near) {
      const off = wall - (edge + shift);
      if (Math.abs(off) <= catchM() && (!best || Math.abs(off) < Math.abs(best))) best = off;
    }
  }
  return cent(best === null ? Math.round((low + shift) / grid()) * grid() - low : shift + best);
}

// --- pointer ----------------------------------------------------------------------------------------------------------

const view = panZoom(svg, root, {
  grab: (e) => mode === "select" && !e.shiftKey && !e.target.closest("[data-booth], [data-corner]"),
});
const at = (e) => {
  const found = view.toWorld(e.clientX, e.clientY);
  return [found.x / S, found.y / S];
};
const snapped = (e, without = new Set()) => at(e).map((v, axis) => snap(v, walls(axis, without)));

svg.addEventListener("pointerdown", (e) => {
  if (e.button !== 0 || busy) return;
  const group = e.target.closest("[data-booth]");
  const corner = e.target.closest("[data-corner]");
  if (mode === "rect") drag = { kind: "rect", from: snapped(e) };
  else if (mode === "cut" && group) drag = { kind: "cut", id: Number(group.dataset.booth), from: at(e) };
  else if (mode === "cut") drag = { kind: "cut", id: [...chosen][0], from: at(e) };
  else if (mode === "polygon") return corner_(e);
  else if (corner) drag = { kind: "corner", id: [...chosen][0], index: Number(corner.dataset.corner) };
  else if (group) {
    const id = Number(group.dataset.booth);
    if (e.shiftKey || e.ctrlKey || e.metaKey) return choose(id, true);
    if (!chosen.has(id)) choose(id, false);
    drag = { kind: "move", from: at(e), dx: 0, dy: 0, only: id };
  } else if (e.shiftKey) drag = { kind: "frame", from: at(e) };
  if (drag) svg.setPointerCapture(e.pointerId);
});

function corner_(e) {
  const now = snapped(e);
  const first = corners[0];
  const done = first && corners.length > 2 && Math.hypot(now[0] - first[0], now[1] - first[1]) < 0.3;
  if (!done) {
    corners.push(now);
    return trace(corners);
  }
  const shape = corners;
  corners = [];
  ghost.replaceChildren();
  add(shape);
}

const trace = (shape) => {
  ghost.replaceChildren();
  make("polygon", { class: "plan-ghost", points: points(shape) }, ghost);
};

function cornerShape(shape, index, to) {
  if (!isRect(shape)) return shape.map((p, i) => (i === index ? to : p));
  const fixed = shape[(index + 2) % 4];
  const [x, y] = [Math.min(fixed[0], to[0]), Math.min(fixed[1], to[1])];
  return rect(x, y, Math.abs(fixed[0] - to[0]), Math.abs(fixed[1] - to[1]));
}

svg.addEventListener("pointermove", (e) => {
  if (mode === "polygon" && corners.length) return trace([...corners, snapped(e)]);
  if (!drag) return;
  const now = at(e);
  if (drag.kind === "rect") {
    const to = snapped(e);
    drag.shape = rect(Math.min(drag.from[0], to[0]), Math.min(drag.from[1], to[1]), Math.abs(to[0] - drag.from[0]), Math.abs(to[1] - drag.from[1]));
    trace(drag.shape);
  } else if (drag.kind === "cut" || drag.kind === "frame") {
    drag.to = now;
    ghost.replaceChildren();
    if (drag.kind === "cut") make("line", { class: "plan-cut", x1: drag.from[0] * S, y1: drag.from[1] * S, x2: now[0] * S, y2: now[1] * S }, ghost);
    else trace([drag.from, [now[0], drag.from[1]], now, [drag.from[0], now[1]]]);
  } else if (drag.kind === "corner") {
    drag.shape = cornerShape(booths.get(drag.id).shape, drag.index, snapped(e, new Set([drag.id])));
    node(drag.id).querySelector("polygon").setAttribute("points", points(drag.shape));
  } else if (drag.kind === "move") {
    const boxes = list().map((b) => boxOf(b.shape));
    const low = [Math.min(...boxes.map((b) => b.x)), Math.min(...boxes.map((b) => b.y))];
    const high = [Math.max(...boxes.map((b) => b.x + b.w)), Math.max(...boxes.map((b) => b.y + b.d))];
    if (!drag.moving && Math.hypot(now[0] - drag.from[0], now[1] - drag.from[1]) < catchM()) return;
    drag.moving = true;
    [drag.dx, drag.dy] = [0, 1].map((axis) => snapShift(low[axis], high[axis], now[axis] - drag.from[axis], walls(axis, chosen)));
    for (const id of chosen) node(id).setAttribute("transform", `translate(${drag.dx * S} ${drag.dy * S})`);
  }
});

svg.addEventListener("pointerup", () => {
  const done = drag;
  drag = null;
  if (!done) return;
  for (const one of layer.querySelectorAll("[transform]")) one.removeAttribute("transform");
  if (done.kind === "rect") {
    ghost.replaceChildren();
    if (done.shape && areaOf(done.shape) >= 0.5) add(done.shape);
  } else if (done.kind === "corner" && done.shape) reshape([done.id], () => done.shape);
  else if (done.kind === "move") {
    if (done.dx || done.dy) reshape([...chosen], (shape) => shape.map(([x, y]) => [cent(x + done.dx), cent(y + done.dy)]));
    else if (!done.moving) choose(done.only, false);
  } else if (done.kind === "cut") {
    ghost.replaceChildren();
    if (done.id && done.to) cut(done.id, [done.from, done.to]);
    else tell(config.texts.cut);
  } else if (done.kind === "frame" && done.to) {
    const [x1, x2] = [done.from[0], done.to[0]].sort((a, b) => a - b);
    const [y1, y2] = [done.from[1], done.to[1]].sort((a, b) => a - b);
    for (const booth of booths.values()) {
      const { x, y, w, d } = boxOf(booth.shape);
      if (x >= x1 && y >= y1 && x + w <= x2 && y + d <= y2) chosen.add(booth.id);
    }
    mark();
  }
});
svg.addEventListener("pointercancel", () => {
  drag = null;
  for (const one of layer.querySelectorAll("[transform]")) one.removeAttribute("transform");
  redraw();
  mark();
});

/** Split along a line; a line that is nearly upright or level becomes so, on the grid. */
function cut(id, line) {
  const [[x1, y1], [x2, y2]] = line;
  const box = boxOf(booths.get(id).shape);
  const on = (value, low) => cent(low + Math.round((value - low) / grid()) * grid());
  let exact = line.map((p) => p.map(cent));
  if (Math.abs(x1 - x2) * 6 < Math.abs(y1 - y2)) exact = [0, 1].map((y) => [on((x1 + x2) / 2, box.x), y]);
  else if (Math.abs(y1 - y2) * 6 < Math.abs(x1 - x2)) exact = [0, 1].map((x) => [x, on((y1 + y2) / 2, box.y)]);
  step(() => ({ do: "split", booths: [seen(id)], line: exact }));
}

// --- keyboard ---------------------------------------------------------------------------------------------------------

svg.addEventListener("keydown", (e) => {
  const group = e.target.closest("[data-booth]");
  const id = group && Number(group.dataset.booth);
  if (e.key === "Escape") {
    corners = [];
    ghost.replaceChildren();
    chosen.clear();
    return mark();
  }
  if (!group) return;
  if (e.key === "Enter" || e.key === " ") {
    e.preventDefault();
    return choose(id, e.shiftKey || e.ctrlKey);
  }
  if (e.key === "Delete" && chosen.size) return tools.remove();
  if (!e.key.startsWith("Arrow")) return;
  e.preventDefault();
  if (!chosen.has(id)) return neighbour(svg, group, e.key)?.focus();
  const by = grid();
  const dx = { ArrowLeft: -by, ArrowRight: by }[e.key] ?? 0;
  const dy = { ArrowUp: -by, ArrowDown: by }[e.key] ?? 0;
  if (!e.shiftKey) return reshape([...chosen], (shape) => shape.map(([x, y]) => [cent(x + dx), cent(y + dy)]));
  const ids = [...chosen].filter((one) => isRect(booths.get(one).shape));
  if (!ids.length) return;
  reshape(ids, (shape) => {
    const { x, y, w, d } = boxOf(shape);
    return rect(x, y, Math.max(by, w + dx), Math.max(by, d + dy));
  });
});
document.addEventListener("keydown", (e) => {
  if (!(e.ctrlKey || e.metaKey) || e.target.closest("input, select, textarea")) return;
  const key = e.key.toLowerCase();
  if (key === "z" && !e.shiftKey) tools.undo();
  else if (key === "y" || key === "z") tools.redo();
  else if (key === "a" && svg.contains(e.target)) {
    for (const id of booths.keys()) chosen.add(id);
    mark();
  } else return;
  e.preventDefault();
});

for (const button of root.querySelectorAll("[data-mode]")) {
  button.addEventListener("click", () => {
    mode = button.dataset.mode;
    corners = [];
    svg.dataset.mode = mode;
    for (const one of root.querySelectorAll("[data-mode]")) if (one !== svg) one.setAttribute("aria-pressed", String(one === button));
    mark();
    if (mode === "cut") tell(config.texts.cut);
    else tell();
  });
}

// --- forms ------------------------------------------------------------------------------------------------------------

part("size").addEventListener("submit", (e) => {
  e.preventDefault();
  const { x, y, w, d } = e.target.elements;
  const shape = rect(...[x, y, w, d].map((field) => Number(field.value)));
  reshape([...chosen], () => shape);
});
part("number").addEventListener("submit", (e) => {
  e.preventDefault();
  const { prefix, first } = e.target.elements;
  step(() => ({ do: "number", booths: [...chosen].map(seen), prefix: prefix.value, first: Number(first.value) }));
});
part("new").addEventListener("submit", (e) => {
  e.preventDefault();
  const place = freePlace(3, 3);
  if (place) add(rect(...place, 3, 3));
});

/** The first free place for a rectangle, row by row, on half metres. */
function freePlace(width, depth) {
  const [columns, rows] = [Math.floor(config.width * 2), Math.floor(config.depth * 2)];
  const taken = Array.from({ length: rows }, () => new Uint8Array(columns));
  for (const booth of booths.values()) {
    const { x, y, w, d } = boxOf(booth.shape);
    for (let j = Math.floor(y * 2); j < Math.min(rows, Math.ceil((y + d) * 2)); j += 1) {
      taken[j].fill(1, Math.max(0, Math.floor(x * 2)), Math.min(columns, Math.ceil((x + w) * 2)));
    }
  }
  for (let j = 0; j + depth * 2 <= rows; j += 1) {
    for (let i = 0; i + width * 2 <= columns; i += 1) {
      let free = true;
      for (let b = j; free && b < j + depth * 2; b += 1) free = !taken[b].subarray(i, i + width * 2).includes(1);
      if (free) return [i / 2, j / 2];
    }
  }
  return null;
}

// --- others at work ---------------------------------------------------------------------------------------------------

async function refresh() {
  if (busy || drag || corners.length || document.hidden) return;
  const before = steps;
  try {
    const answer = await fetch(config.drawing, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const found = await answer.json();
    if (steps !== before || drag || corners.length) return; // older than what was done since
    const there = new Set(found.booths.map((b) => b.id));
    for (const id of [...booths.keys()]) if (!there.has(id)) drop(id);
    for (const booth of found.booths) if (booths.get(booth.id)?.version !== booth.version) put(booth);
    mark();
  } catch {
    // Offline: the next round may work, and the server decides about every step anyway.
  }
}

for (const booth of config.booths) put(booth);
mark();
setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
