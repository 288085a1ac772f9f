// A scanner that types like a keyboard: signs that follow each other faster than a person types, ended by Enter or Tab.
// Outside of fields no input method is at work, so the signs arrive as they are; what else an odd keyboard layout or
// full-width mode does to them is cleaned on the server.

const SLOWEST_MS = 120; // between two signs
const SHORTEST = 4;
const WITHOUT_END = 20; // a code this long counts even if the scanner sends no Enter

/** Call `onCode(text)` for each code that a scanner types anywhere on the page but in a field. */
export function listenToScanner(onCode) {
  let typed = "";
  let last = 0;
  let timer;

  const take = () => {
    clearTimeout(timer);
    const code = typed;
    typed = "";
    return code;
  };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey && event.key.toLowerCase() !== "j" && event.key.toLowerCase() !== "m") return;
      if (event.altKey || event.metaKey || isField(event.target)) return;
      const now = performance.now();
      if (now - last > SLOWEST_MS) typed = "";
      const end = event.key === "Enter" || event.key === "Tab" || event.ctrlKey; // Ctrl+J and Ctrl+M: raw line ends
      if (end) {
        if (typed.length < SHORTEST) return;
        // Enter would press the button that has the focus.
        event.preventDefault();
        event.stopPropagation();
        onCode(take());
        return;
      }
      const sign = signOf(event);
      if (!sign) return;
      last = now;
      typed += sign;
      if (typed.length > 1) event.preventDefault(); // space would press a button, "/" and "'" open a search
      clearTimeout(timer);
      timer = setTimeout(() => {
        const code = take();
        if (code.length >= WITHOUT_END) onCode(code);
      }, SLOWEST_MS * 2);
    },
    true,
  );
}

function isField(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable], dialog[open]") !== null;
}

function signOf(event) {
  if (event.key.length === 1) return event.key;
  if (event.key !== "Process" && event.key !== "Unidentified") return "";
  return /^(?:Key|Digit)(.)$/.exec(event.code)?.[1] ?? ""; // an input method that holds the sign back
}
