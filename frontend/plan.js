// The hall plan: zoom and pan, choose a booth, and keep the colours as they are for everybody.
import htmx from "htmx.org";

const plan = document.querySelector("[data-plan]");
const svg = plan?.querySelector(":scope > svg");
const EVERY = 10_000;

if (svg) {
  const whole = svg.viewBox.baseVal;
  const home = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  let view = { ...home };

  const show = (next) => {
    const width = Math.min(home.width, Math.max(home.width / 12, next.width));
    const height = (width * home.height) / home.width;
    const keep = (at, size, low, all) => Math.min(Math.max(at, low - size * 0.25), low + all - size * 0.75);
    view = { x: keep(next.x, width, home.x, home.width), y: keep(next.y, height, home.y, home.height), width, height };
    if (width === home.width) view = { ...home };
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  };
  /** Zoom so that the point of the drawing under (px, py) of the screen stays where it is. */
  const zoom = (factor, at = null) => {
    const point = at ?? { x: view.x + view.width / 2, y: view.y + view.height / 2 };
    show({
      x: point.x - (point.x - view.x) * factor,
      y: point.y - (point.y - view.y) * factor,
      width: view.width * factor,
    });
  };
  const toDrawing = (x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse());

  for (const button of plan.querySelectorAll("[data-plan-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.planZoom === "all") show({ ...home });
      else zoom(button.dataset.planZoom === "in" ? 0.7 : 1 / 0.7);
    });
  }
  svg.addEventListener(
    "wheel",
    (e) => {
      e.preventDefault();
      zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.005), toDrawing(e.clientX, e.clientY));
    },
    { passive: false },
  );

  // One finger or the mouse moves the plan, two fingers zoom. A press that hardly moves is a choice.
  const fingers = new Map();
  let moved = 0;
  svg.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.size === 1) moved = 0;
  });
  svg.addEventListener("pointermove", (e) => {
    const before = fingers.get(e.pointerId);
    if (!before) return;
    const now = { x: e.clientX, y: e.clientY };
    if (fingers.size === 1) {
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      if (moved < 5) return;
      svg.setPointerCapture(e.pointerId);
      const a = toDrawing(before.x, before.y);
      const b = toDrawing(now.x, now.y);
      fingers.set(e.pointerId, now);
      show({ ...view, x: view.x + a.x - b.x, y: view.y + a.y - b.y });
      return;
    }
    moved = 99;
    const [other] = [...fingers].find(([id]) => id !== e.pointerId).slice(1);
    const spread = (p) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
    fingers.set(e.pointerId, now);
    zoom(spread(before) / spread(now), toDrawing((now.x + other.x) / 2, (now.y + other.y) / 2));
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (e) => fingers.delete(e.pointerId));

  // Choose: click, Enter or Space.
  const fetchPanel = (booth) =>
    htmx.ajax("GET", plan.dataset.panel.replace(/0$/, booth.dataset.booth), {
      source: plan,
      target: "#booth-panel",
      swap: "innerHTML",
    });
  const choose = (booth) => {
    mark(booth.dataset.booth);
    fetchPanel(booth);
    const url = new URL(location.href);
    url.searchParams.set("booth", booth.dataset.booth);
    history.replaceState(history.state, "", url);
  };
  const mark = (id) => {
    for (const one of svg.querySelectorAll("[aria-pressed], .is-selected")) {
      one.classList.remove("is-selected");
      one.removeAttribute("aria-pressed");
    }
    const booth = id && svg.querySelector(`[data-booth="${CSS.escape(id)}"]`);
    booth?.classList.add("is-selected");
    booth?.setAttribute("aria-pressed", "true");
    return booth;
  };
  svg.addEventListener("click", (e) => {
    const booth = e.target.closest("[data-booth]") ?? document.elementFromPoint(e.clientX, e.clientY)?.closest("[data-booth]");
    if (booth && moved < 5) choose(booth);
  });
  svg.addEventListener("keydown", (e) => {
    const booth = e.target.closest("[data-booth]");
    if (booth && (e.key === "Enter" || e.key === " ")) {
      e.preventDefault();
      choose(booth);
    } else if (booth && e.key.startsWith("Arrow")) {
      e.preventDefault();
      neighbour(booth, e.key)?.focus();
    }
  });
  /** The nearest booth in the direction of an arrow key. */
  const neighbour = (from, key) => {
    const a = middle(from);
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    let best = null;
    for (const booth of svg.querySelectorAll("[data-booth]")) {
      const b = middle(booth);
      const along = (b.x - a.x) * dx + (b.y - a.y) * dy;
      const aside = Math.abs((b.x - a.x) * dy) + Math.abs((b.y - a.y) * dx);
      if (booth === from || along <= 0 || aside > along * 2) continue;
      const far = along + aside * 2;
      if (!best || far < best.far) best = { booth, far };
    }
    return best?.booth;
  };
  const middle = (booth) => {
    const box = booth.querySelector("rect, polygon").getBBox();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  if (plan.dataset.chosen) {
    const booth = mark(plan.dataset.chosen);
    if (booth && matchMedia("(max-width: 900px)").matches) {
      const at = middle(booth);
      show({ x: at.x - home.width / 6, y: at.y - home.height / 6, width: home.width / 3 });
    }
  }

  // What others sell meanwhile.
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(plan.dataset.states, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { booths, legend } = await answer.json();
      for (const [id, [state, letter, label]] of Object.entries(booths)) {
        const booth = svg.querySelector(`[data-booth="${id}"]`);
        if (!booth || booth.getAttribute("aria-label") === label) continue;
        const chosen = booth.classList.contains("is-selected");
        booth.setAttribute("class", `booth booth-${state}${chosen ? " is-selected" : ""}`);
        booth.setAttribute("aria-label", label);
        booth.querySelector("title").textContent = label;
        booth.querySelector(".booth-letter").textContent = letter;
        // The open panel shows an older truth: fetch it again, unless somebody is typing in it.
        const panel = document.querySelector(`[data-panel-of="${id}"]`);
        if (panel && !panel.contains(document.activeElement)) fetchPanel(booth);
      }
      for (const [state, text] of Object.entries(legend)) {
        const count = document.querySelector(`[data-legend="${state}"]`);
        if (count && count.textContent !== text) count.textContent = text;
      }
    } catch {
      // Offline: the next round may work, and every action is decided by the server anyway.
    }
  };
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("booths-changed", refresh);
}
