// Codes that are no badges of this show: a few are read by mistake, more than thirty in a minute are somebody trying. The
// server looks for it too (services/pace.py); without a network the person at the door hears it from the device.
const FOREIGN = new Set(["malformed", "bad_signature", "unknown_key", "unknown", "wrong_show"]);
const MOST = 30;
const WITHIN_MS = 60_000;
const SHOWN_MS = 300_000;

export class ForeignCodes {
  #read = []; // when
  #alarm = -Infinity;

  /** Note the reason of an answer; `at` in ms. */
  note(reason, at = performance.now()) {
    if (!FOREIGN.has(reason)) return;
    this.#read = [...this.#read.filter((then) => at - then < WITHIN_MS), at];
    if (this.#read.length > MOST) this.#alarm = at;
  }

  /** Were there too many lately? */
  many(at = performance.now()) {
    return at - this.#alarm < SHOWN_MS;
  }
}
