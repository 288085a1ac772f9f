// One reading from code to answer. Green only appears when the server has stored the scan. When it cannot be reached the
// answer is red, the same reading is sent again for a while, and then it is closed as refused at this door: what the
// people at the gate saw is what gets uploaded later.
import * as server from "./server.js";

const RETRY_MS = 2000;
const RETRIES = 8;
const FAST_FAILURE_MS = 300;
const ABANDONED_MS = 30_000;
const BATCH = 200;
const MAX_CODE = 4096;
const NOT_DECIDED = { status: "deny", reason: "internal" };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Checkpoint {
  /** `show` is told what to show: working(), answer(row, answer), notStored(row, busy), gaveUp(), stop(error, message). */
  constructor(journal, show) {
    this.journal = journal;
    this.show = show;
    this.direction = null;
    this.stopped = false;
    this.busy = false;
    this.unsent = null; // the row that is shown as not stored and is tried again
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
      await this.#decide(code);
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
    let result = await server.sendOverride(body);
    if (result.kind === "unreachable") result = await server.sendOverride(body);
    if (result.kind !== "answer") return result;
    this.show.answer(row, result.body);
    return null;
  }

  /** Upload what was closed without the server's answer. */
  async upload() {
    const rows = await this.journal.waiting();
    const abandoned = rows.filter((row) => !row.decided && this.#isAbandoned(row));
    for (const row of abandoned) await this.journal.decide(row.client_uuid, NOT_DECIDED);
    const ready = (await this.journal.waiting()).filter((row) => row.decided).slice(0, BATCH);
    if (!ready.length) return;
    const sent = ready.map(({ client_uuid, code, direction, device_time, device_seq, decided }) => ({
      client_uuid, code, direction, device_time, device_seq, decided,
    }));
    const result = await server.sendScans(sent);
    if (result.kind !== "answer") return;
    for (const receipt of result.body.receipts ?? []) {
      // A reused id means that the server holds this row already.
      const uuid = receipt.client_uuid ?? (receipt.error === "uuid_reused" ? ready[receipt.index]?.client_uuid : null);
      if (uuid && (receipt.ok || receipt.error === "uuid_reused")) await this.journal.settle(uuid);
    }
  }

  /** Left behind by a page that was closed before its answer came. */
  #isAbandoned(row) {
    return Date.now() - Date.parse(row.device_time) > ABANDONED_MS && row.client_uuid !== this.unsent?.client_uuid;
  }

  #fresh(code) {
    const row = { client_uuid: newUuid(), code: code.slice(0, MAX_CODE), device_time: new Date().toISOString() };
    return this.direction ? { ...row, direction: this.direction } : row;
  }

  async #decide(code) {
    await this.#close(); // the one before was not stored, and somebody else stands here now
    const row = await this.journal.add(this.#fresh(code));
    this.show.working(row);
    const started = performance.now();
    let result = await server.sendScan(row);
    if (result.kind === "unreachable") {
      if (performance.now() - started < FAST_FAILURE_MS) await pause(FAST_FAILURE_MS);
      result = await server.sendScan(row);
    }
    if (await this.#settle(row, result)) return;
    this.unsent = row;
    this.show.notStored(row, result.kind === "busy");
    this.#tryAgain(row);
  }

  async #tryAgain(row) {
    for (let count = 0; count < RETRIES; count += 1) {
      await pause(RETRY_MS);
      if (this.unsent !== row) return;
      const result = await server.sendScan(row);
      if (this.unsent !== row) return; // closed meanwhile; the server keeps its decision beside ours
      if (result.kind === "answer" || result.kind === "refused") {
        this.unsent = null;
        await this.#settle(row, result);
        return;
      }
    }
    if (this.unsent !== row) return;
    await this.#close();
    this.show.gaveUp();
  }

  async #close() {
    const row = this.unsent;
    if (!row) return;
    this.unsent = null;
    await this.journal.decide(row.client_uuid, NOT_DECIDED);
  }

  /** Show what the server said; false when it said nothing. */
  async #settle(row, result) {
    if (result.kind === "answer") {
      this.show.answer(row, result.body);
      await this.journal.settle(row.client_uuid);
      return true;
    }
    if (result.kind !== "refused") return false;
    // 401 and 403 end the work of this device; its rows stay, to be uploaded after a new pairing.
    this.stopped = result.status === 401 || result.status === 403;
    if (!this.stopped) await this.journal.settle(row.client_uuid);
    this.show.stop(result.error, result.message);
    return true;
  }
}

/** crypto.randomUUID exists only in secure contexts; getRandomValues everywhere. */
function newUuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
