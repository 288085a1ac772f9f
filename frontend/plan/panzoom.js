// Move and zoom a drawing: one transform on the group [data-world], nothing inside is touched. Wheel, one finger, two fingers, buttons.
const FAR = 5; // px: figures smaller than this are left out while they could not be read anyway
const REST = 120; // ms without a move

/**
 * @param {SVGSVGElement} svg with a viewBox and a group [data-world]
 * @param {Element} root holds the buttons [data-plan-zoom]
 * @param {object} options
 * @param {(event: PointerEvent) => boolean} [options.grab] whether a press moves the plan (else somebody else takes it)
 * @param {(seen: DOMRect | null) => void} [options.rest] told when it has come to rest: the part of the drawing that is seen, null
 *   while its figures are too small to be read
 */
export function panZoom(svg, root, { grab = () => true, rest = () => {} } = {}) {
  const world = svg.querySelector("[data-world]");
  const { x: left, y: top, width, height } = svg.viewBox.baseVal;
  let k = 1;
  let tx = 0;
  let ty = 0;
  let waiting = 0;
  let moved = 0;
  let resting = 0;
  const many = svg.classList.contains("is-many"); // whose figures come and go one by one (figures.js)

  const isFar = () => (svg.getScreenCTM()?.a ?? 1) * k * 8.5 < FAR;
  const paint = () => {
    waiting = 0;
    world.setAttribute("transform", `matrix(${k} 0 0 ${k} ${tx} ${ty})`);
    if (!many) svg.classList.toggle("is-far", isFar());
    clearTimeout(resting);
    resting = setTimeout(calm, REST);
  };
  const calm = () => {
    if (isFar()) return rest(null);
    const { left: x, top: y, right, bottom } = svg.getBoundingClientRect();
    const [from, to] = [toWorld(x, y), toWorld(right, bottom)];
    rest(new DOMRect(from.x, from.y, to.x - from.x, to.y - from.y));
  };
  const show = (scale, x, y) => {
    k = Math.min(24, Math.max(1, scale));
    const keep = (at, low, size) => Math.min(low + size * 0.25 - low * k, Math.max(low + size * 0.75 - (low + size) * k, at));
    tx = k === 1 ? 0 : keep(x, left, width);
    ty = k === 1 ? 0 : keep(y, top, height);
    waiting ||= requestAnimationFrame(paint);
  };
  const toView = (x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse());
  /** A point of the screen in units of the drawing. */
  const toWorld = (x, y) => {
    const at = toView(x, y);
    return { x: (at.x - tx) / k, y: (at.y - ty) / k };
  };
  /** Zoom so that what is under `at` (in units of the view) stays there. */
  const zoom = (factor, at = { x: left + width / 2, y: top + height / 2 }) => {
    const next = Math.min(24, Math.max(1, k * factor));
    show(next, at.x - ((at.x - tx) / k) * next, at.y - ((at.y - ty) / k) * next);
  };
  /** Bring a point of the drawing to the middle, at a scale. */
  const centre = (point, scale = k) => show(scale, left + width / 2 - point.x * scale, top + height / 2 - point.y * scale);

  for (const button of root.querySelectorAll("[data-plan-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.planZoom === "all") show(1, 0, 0);
      else zoom(button.dataset.planZoom === "in" ? 1.45 : 1 / 1.45);
    });
  }
  svg.addEventListener(
    "wheel",
    (e) => {
      e.preventDefault();
      zoom(Math.exp(-Math.max(-60, Math.min(60, e.deltaY)) * 0.005), toView(e.clientX, e.clientY));
    },
    { passive: false },
  );

  // A press that hardly moves is a choice.
  const fingers = new Map();
  svg.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    if (fingers.size === 0) moved = 0;
    if (!grab(e)) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
  });
  svg.addEventListener("pointermove", (e) => {
    const before = fingers.get(e.pointerId);
    if (!before) return;
    const now = { x: e.clientX, y: e.clientY };
    if (fingers.size === 1) {
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      fingers.set(e.pointerId, now);
      if (moved < 5) return;
      svg.setPointerCapture(e.pointerId);
      const a = toView(before.x, before.y);
      const b = toView(now.x, now.y);
      show(k, tx + b.x - a.x, ty + b.y - a.y);
      return;
    }
    moved = 99;
    const [other] = [...fingers].find(([id]) => id !== e.pointerId).slice(1);
    const spread = (p) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
    fingers.set(e.pointerId, now);
    zoom(spread(now) / spread(before), toView((now.x + other.x) / 2, (now.y + other.y) / 2));
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (e) => fingers.delete(e.pointerId));
  addEventListener("resize", () => (waiting ||= requestAnimationFrame(paint)));
  paint();

  return { toWorld, centre, zoom, wasMoved: () => moved >= 5, scale: () => k };
}
