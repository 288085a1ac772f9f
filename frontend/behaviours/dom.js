// Helpers of the behaviours.

let texts;

/** A text of the page's language, from the JSON in the layout. */
export function text(key, values = {}) {
  texts ??= JSON.parse(document.getElementById("ui-texts")?.textContent ?? "{}");
  return (texts[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Listen on the document for events whose target lies inside `selector`; the handler gets that element. */
export function on(event, selector, handler, options) {
  document.addEventListener(
    event,
    (e) => {
      const found = e.target instanceof Element ? e.target.closest(selector) : null;
      if (found) handler(e, found);
    },
    options,
  );
}

/** Run for what is there now and for everything that htmx brings later. */
export function whenAdded(selector, run) {
  const scan = (root) => {
    if (root.matches?.(selector)) run(root);
    for (const found of root.querySelectorAll?.(selector) ?? []) run(found);
  };
  const start = () => scan(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  document.addEventListener("htmx:after:process", (e) => scan(e.target));
}
