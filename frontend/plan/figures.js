// Numbers and signs of a large hall: only where they are seen and can be read. Laying out thousands of texts would stop the page.
const AT_ONCE = 60;
const START = /^M(-?[\d.]+)[ ,](-?[\d.]+)/;

/**
 * @param {SVGSVGElement} svg with booths whose paths start at a corner
 * @returns {(seen: DOMRect | null) => void} shows those in and around a part of the drawing and hides the others
 */
export function figures(svg) {
  if (!svg.classList.contains("is-many")) return () => {};
  let places = null;
  let near = new Set();
  let frame = 0;
  const find = () =>
    [...svg.querySelectorAll(".booth")].map((booth) => {
      const [, x, y] = START.exec(booth.querySelector("path").getAttribute("d"));
      return { booth, x: Number(x), y: Number(y) };
    });
  return (seen) => {
    cancelAnimationFrame(frame);
    const wanted = new Set();
    if (seen) {
      places ??= find();
      const [x, y] = [seen.x - seen.width * 0.3, seen.y - seen.height * 0.3];
      for (const one of places) {
        if (one.x >= x && one.y >= y && one.x <= x + seen.width * 1.6 && one.y <= y + seen.height * 1.6) wanted.add(one.booth);
      }
    }
    for (const booth of near) if (!wanted.has(booth)) booth.classList.remove("is-near");
    const missing = [...wanted].filter((booth) => !near.has(booth));
    near = new Set([...near].filter((booth) => wanted.has(booth)));
    const add = () => {
      for (const booth of missing.splice(0, AT_ONCE)) {
        booth.classList.add("is-near");
        near.add(booth);
      }
      if (missing.length) frame = requestAnimationFrame(add);
    };
    add();
  };
}
