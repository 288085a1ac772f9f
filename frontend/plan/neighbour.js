// Arrow keys on a plan: from one booth to the nearest in that direction.
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The middle of a booth in units of the drawing. */
export function middle(booth) {
  const box = booth.querySelector("path, polygon").getBBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The nearest booth in the direction of an arrow key. */
export function neighbour(svg, from, key) {
  const a = middle(from);
  const [dx, dy] = WAYS[key];
  let best = null;
  for (const booth of svg.querySelectorAll(".booth")) {
    const b = middle(booth);
    const along = (b.x - a.x) * dx + (b.y - a.y) * dy;
    const aside = Math.abs((b.x - a.x) * dy) + Math.abs((b.y - a.y) * dx);
    if (booth === from || along <= 0 || aside > along * 2) continue;
    const far = along + aside * 2;
    if (!best || far < best.far) best = { booth, far };
  }
  return best?.booth;
}
