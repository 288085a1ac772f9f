// One reading from code to answer, within a second and a half:
//   stored here, durably → asked of the server → no answer in time: decided here, by the same rules → shown → uploaded.
// Nothing is shown as admitted that is not stored. What the server answered is settled before it is shown, so a row that
// is found open after a restart was never shown to anybody.
import { newUuid } from "./journal.js";

const ANSWER_MS = 1300;
const WORKING_MS = 150; // answers that come at once need no "checking"
const REPEAT_MS = 5000;
const MAX_CODE = 4096;
const NEVER_SHOWN = { status: "deny", reason: "internal" };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Checkpoint {
  /**
   * `show` is told what to show: working(), answer(row, answer), cannotStore(error), stop(error, message, wipe).
   * `judge`: decide(row) → {verdict, answer, fields, presence}, learn(row, answer) → presence.
   * `server`: sendScan(row, {timeout}), sendOverride(body), sendAnnul(body).
   */
  constructor({ journal, judge, server, show, boot }) {
    this.journal = journal;
    this.boot = boot; // names this opening of the page, within which performance.now() counts
    this.gateId = null;
    this.judge = judge;
    this.server = server;
    this.show = show;
    this.direction = null;
    this.line = "unknown"; // nothing heard yet, or online: the server is asked first
    this.stopped = false;
    this.busy = false;
    this.last = null; // the answer that a repeat within seconds gets again
    this.next = []; // read by hand or scanner while another one was on its way
  }

  /** May a new code be read now? */
  get ready() {
    return !this.stopped && !this.busy;
  }

  /** Take a code. While one is on its way, those of a scanner wait their turn; the camera shows its badge again anyway. */
  async read(code, { wait = true } = {}) {
    if (this.stopped) return;
    if (this.busy) {
      if (wait && this.next.length < 5) this.next.push(code);
      return;
    }
    this.busy = true;
    try {
      await this.#answer(code);
    } finally {
      this.busy = false;
    }
    const queued = this.next.shift();
    if (queued !== undefined) this.read(queued);
  }

  /** Admit by hand what was refused. Gives null when done, else what went wrong. */
  async override(scanId, reason, by) {
    const row = this.#fresh("");
    const body = { client_uuid: row.client_uuid, device_time: row.device_time, scan_id: scanId, reason, by };
    let result = await this.server.sendOverride(body);
    if (result.kind === "unreachable") result = await this.server.sendOverride(body);
    if (result.kind !== "answer") return result;
    this.last = null;
    this.show.answer(row, result.body);
    return null;
  }

  /** Take back what was scanned last at this gate. Gives null when done, else what went wrong. */
  async annul(target, reason, by) {
    const { client_uuid, device_time } = this.#fresh("");
    const body = { client_uuid, device_time, annuls: target, reason, by };
    let result = await this.server.sendAnnul(body);
    if (result.kind === "unreachable") result = await this.server.sendAnnul(body);
    if (result.kind !== "answer") return result;
    this.last = null;
    this.show.counts?.(result.body.counts);
    return null;
  }

  /** Rows that a closed page left without an answer: nobody saw one, and that is what is uploaded. Gives their number. */
  async recover() {
    const rows = await this.journal.undecided();
    for (const row of rows) await this.journal.decide(row.client_uuid, NEVER_SHOWN);
    return rows.length;
  }

  #fresh(code) {
    const row = { client_uuid: newUuid(), code: code.slice(0, MAX_CODE), ...this.server.moment(this.boot) };
    if (this.gateId !== null) row.gate_id = this.gateId;
    if (this.direction) row.direction = this.direction;
    return row;
  }

  async #answer(code) {
    const started = performance.now();
    if (this.last?.code === code && this.last.direction === this.direction && started - this.last.at < REPEAT_MS) {
      return this.show.answer(this.last.row, { ...this.last.answer, repeat: true });
    }
    let row;
    try {
      row = await this.journal.add(this.#fresh(code));
    } catch (error) {
      return this.show.cannotStore(error);
    }
    const working = setTimeout(() => this.show.working(row), WORKING_MS);
    const own = this.judge.decide(row).catch((error) => ({ error }));
    try {
      const result = ["online", "unknown"].includes(this.line) ? await this.#ask(row, started) : { kind: "unreachable" };
      if (result.kind === "answer") await this.#take(row, result.body);
      else if (result.kind === "refused" && (result.error === "no_gate" || [401, 403].includes(result.status))) await this.#refused(row, result);
      else await this.#decideHere(row, await own);
    } finally {
      clearTimeout(working);
    }
  }

  #ask(row, started) {
    const left = ANSWER_MS - (performance.now() - started);
    // The timer of the request may be late on a busy phone; ours is the one that counts.
    return Promise.race([
      this.server.sendScan(row, { timeout: left }),
      pause(left).then(() => ({ kind: "unreachable" })),
    ]).then((result) => {
      if (result.kind === "answer") this.line = "online";
      else if (result.kind !== "refused") this.line = result.kind === "busy" ? "busy" : "offline";
      return result;
    });
  }

  async #take(row, answer) {
    const presence = await this.judge.learn(row, answer).catch(() => ({}));
    await this.journal.settle(row.client_uuid, { presence }).catch(() => {}); // it is sent again, and answered the same
    this.#shown(row, answer);
  }

  async #refused(row, result) {
    // 401 and 403 end the work of this device; its rows stay and are uploaded from here or after a new pairing.
    this.stopped = result.error !== "no_gate";
    await this.journal.decide(row.client_uuid, NEVER_SHOWN).catch(() => {});
    this.show.stop(result.error, result.message, result.wipe);
  }

  async #decideHere(row, own) {
    if (own.error) {
      await this.journal.decide(row.client_uuid, NEVER_SHOWN).catch(() => {});
      return this.show.cannotStore(own.error);
    }
    try {
      await this.journal.decide(row.client_uuid, own.verdict, { fields: own.fields, presence: own.presence });
    } catch (error) {
      return this.show.cannotStore(error);
    }
    this.#shown(row, own.answer);
  }

  #shown(row, answer) {
    this.last = { code: row.code, direction: this.direction, at: performance.now(), row, answer };
    this.show.answer(row, answer);
  }
}
