// What is heard and felt: each answer has its own sound, and the screen stays awake.

// [frequency in Hz, start and length in s]
const SOUNDS = {
  admit: { type: "sine", tones: [[880, 0, 0.11], [1320, 0.12, 0.18]] },
  warn: { type: "triangle", tones: [[660, 0, 0.12], [660, 0.18, 0.12], [660, 0.36, 0.12]] },
  deny: { type: "square", tones: [[196, 0, 0.28], [156, 0.3, 0.4]] },
};
const BUZZ = { admit: [60], warn: [60, 60, 60], deny: [300, 80, 300] };
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

  /** kind: admit | warn | deny */
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

/** Keep the screen on as long as the page is seen. */
export function stayAwake() {
  const ask = () => {
    if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
