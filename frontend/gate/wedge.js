// A scanner that types like a keyboard: signs that follow each other faster than a person types, ended by Enter or Tab.
// Outside of fields no input method is at work, so the signs arrive as they are; what else an odd keyboard layout or
// full-width mode does to them is cleaned on the server.

const PAUSE_MS = 500; // after this a new code begins; a busy phone or a weak Bluetooth link stalls now and then
const PERSON_MS = 120; // per sign: slower is a person at the keys
const SHORTEST = 4;
const LONG = 20; // nobody types this by chance: counts at any speed, and without Enter

/** Call `onCode(text)` for each code that a scanner types anywhere on the page but in a field. */
export function listenToScanner(onCode) {
  let typed = "";
  let first = 0;
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
      const now = event.timeStamp; // when the key was pressed, not when we got round to it
      if (now - last > PAUSE_MS) typed = "";
      const end = event.key === "Enter" || event.key === "Tab" || event.ctrlKey; // Ctrl+J and Ctrl+M: raw line ends
      if (end) {
        const fast = last - first <= PERSON_MS * (typed.length - 1);
        if (typed.length < SHORTEST || (typed.length < LONG && !fast)) return;
        // Enter would press the button that has the focus.
        event.preventDefault();
        event.stopPropagation();
        onCode(take());
        return;
      }
      const sign = signOf(event);
      if (!sign) return;
      if (!typed) first = now;
      last = now;
      typed += sign;
      if (typed.length > 1) event.preventDefault(); // space would press a button, "/" and "'" open a search
      clearTimeout(timer);
      timer = setTimeout(() => {
        const code = take();
        if (code.length >= LONG) onCode(code);
      }, PAUSE_MS);
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
