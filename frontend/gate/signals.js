// What is heard and felt: each answer has its own sound, and the screen stays awake.

// [frequency in Hz, start and length in s]
const SOUNDS = {
  // Stored on this device only: the same rise, one tone deeper and short, so that it is heard.
  here: { type: "sine", tones: [[660, 0, 0.09], [880, 0.1, 0.09], [660, 0.2, 0.14]] },
  admit: { type: "sine", tones: [[880, 0, 0.11], [1320, 0.12, 0.18]] },
  warn: { type: "triangle", tones: [[660, 0, 0.12], [660, 0.18, 0.12], [660, 0.36, 0.12]] },
  deny: { type: "square", tones: [[196, 0, 0.28], [156, 0.3, 0.4]] },
};
const BUZZ = { admit: [60], here: [40, 40, 40], warn: [60, 60, 60], deny: [300, 80, 300] };
const KEY = "gate-sound";

export class Signals {
  /** Sound begins with the first touch or key: browsers allow it no earlier. `onChange` is told when its state changes. */
  constructor(onChange) {
    this.wanted = localStorage.getItem(KEY) !== "off";
    this.audio = null;
    this.onChange = onChange;
    const unlock = () => {
      this.#open();
      if (this.audio?.state === "running") for (const name of ["pointerdown", "keydown"]) removeEventListener(name, unlock, true);
    };
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, unlock, true);
  }

  /** on | off | locked (wanted, but nobody has touched the screen yet). */
  get state() {
    if (!this.wanted) return "off";
    return this.audio?.state === "running" ? "on" : "locked";
  }

  toggle() {
    if (this.state !== "locked") this.wanted = !this.wanted;
    localStorage.setItem(KEY, this.wanted ? "on" : "off");
    this.#open();
    this.onChange();
    if (this.wanted) this.play("admit");
  }

  /** kind: admit | here | warn | deny */
  play(kind) {
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(BUZZ[kind]);
    if (this.state !== "on") return;
    const { type, tones } = SOUNDS[kind];
    for (const [frequency, start, length] of tones) this.#tone(type, frequency, this.audio.currentTime + start, length);
  }

  #open() {
    if (!this.wanted || typeof AudioContext === "undefined") return;
    if (!this.audio) {
      this.audio = new AudioContext();
      this.audio.addEventListener("statechange", () => this.onChange());
    }
    if (this.audio.state !== "running") this.audio.resume().catch(() => {});
  }

  #tone(type, frequency, at, length) {
    const tone = new OscillatorNode(this.audio, { type, frequency });
    const volume = new GainNode(this.audio, { gain: 0 });
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(type === "square" ? 0.2 : 0.5, at + 0.01);
    volume.gain.setValueAtTime(type === "square" ? 0.2 : 0.5, at + length - 0.03);
    volume.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(volume).connect(this.audio.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}

/** Keep the screen on as long as the page is seen. `onChange(held)` hears whether the browser does so. */
export function stayAwake(onChange = () => {}) {
  const ask = async () => {
    if (document.visibilityState !== "visible") return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => onChange(false));
      onChange(true);
    } catch {
      onChange(false); // not on this browser, not without a secure connection, or the battery is low
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
