// Brings what the device holds to the server: first the readings, then the notes on them. One upload at a time; what was
// not acknowledged stays and is sent again, the server knows each reading by its uuid.
import { call } from "../gate/server.js";

const BATCH = 25;
const FIRST_MS = 2500;
const AGAIN_MS = 5000;

export class Sync {
  #running = null;
  #again = false;

  /** `heard`: {lead(key, receipt), refused(key, message), line(name), stopped(message, wipe)}. */
  constructor(store, heard) {
    this.store = store;
    this.heard = heard;
    this.stopped = false;
    this.unknown = false; // the server does not know this device at all
    this.done = false; // something has arrived since the line was shown last
    this.leads = new Map(); // reading → what the server said of it, for this page's life
  }

  /** Upload; a call during an upload lets it go round once more. */
  run({ fresh = null } = {}) {
    if (this.stopped) return Promise.resolve();
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#all(fresh).finally(() => {
      this.#running = null;
      if (this.#again) {
        this.#again = false;
        this.run();
      }
    });
    return this.#running;
  }

  /**
   * The device was withdrawn: what it still holds goes to the server all the same, which keeps it apart; then, if so told, the
   * store is deleted. Yields how much is left, at last 0. A server that does not know the device at all gets nothing.
   */
  async *handOver({ wipe = false } = {}) {
    this.stopped = true;
    await this.#running;
    for (;;) {
      await this.#all(null);
      const left = await this.store.count();
      if (!left && wipe) await this.store.wipe();
      yield left;
      if (!left || this.unknown) return;
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }

  async #all(fresh) {
    for (;;) {
      const rows = await this.store.waiting(BATCH);
      if (!rows.length) break;
      if (!(await this.#scans(rows, fresh))) return;
    }
    for (;;) {
      const edits = Object.entries(await this.store.edits()).slice(0, BATCH);
      if (!edits.length) break;
      if (!(await this.#notes(edits))) return;
    }
    if (this.done) this.heard.line("online"); // nothing waits any more
    this.done = false;
  }

  async #scans(rows, fresh) {
    // A reading that did not reach the server at once was shown without its answer: that is told apart in the history.
    const scans = rows.map(({ client_uuid, code, device_time, device_seq }) => ({
      client_uuid, code, device_time, device_seq, offline: client_uuid !== fresh,
    }));
    const timeout = fresh ? FIRST_MS : 20_000;
    const result = await call("/api/lead/scans", { body: { scans }, timeout });
    if (!this.#answered(result, "receipts")) return false;
    const done = [];
    for (const receipt of result.body.receipts) {
      const row = rows[receipt.index];
      if (!row) continue;
      if (receipt.ok) this.leads.set(row.client_uuid, receipt);
      done.push(row.client_uuid);
      if (receipt.ok) this.heard.lead(`s:${row.client_uuid}`, receipt);
      else this.heard.refused(`s:${row.client_uuid}`, receipt.message);
    }
    if (done.length !== rows.length) return false; // no receipt for each: not our server
    await this.store.journal.settle(done);
    return true;
  }

  async #notes(edits) {
    const body = edits.map(([key, { details, consent, version }]) => {
      const who = key.startsWith("s:") ? { client_uuid: key.slice(2) } : { lead_id: Number(key.slice(2)) };
      return { ...who, ...(version === null ? {} : { version }), details, ...(consent ? { consent } : {}) };
    });
    const result = await call("/api/lead/details", { body: { edits: body }, timeout: 8000 });
    if (result.kind === "refused" && (result.status === 404 || result.status === 422) && edits.length === 1) {
      await this.store.settled(edits[0][0], edits[0][1].rev);
      this.heard.refused(edits[0][0], result.message);
      return true;
    }
    if (!this.#answered(result, "receipts")) return false;
    for (const receipt of result.body.receipts) {
      const [key, edit] = edits[receipt.index] ?? [];
      if (!key) continue;
      await this.store.settled(key, edit.rev);
      if (receipt.ok) this.heard.lead(key, receipt);
      else this.heard.refused(key, receipt.message);
    }
    return true;
  }

  /** Did the server answer what was asked? Tells the line's state on the way. */
  #answered(result, name) {
    if (result.kind === "answer" && Array.isArray(result.body[name])) {
      this.done = true;
      this.heard.line("online");
      return true;
    }
    if (result.kind === "refused" && (result.status === 401 || result.status === 403)) {
      this.unknown = result.error !== "device_revoked";
      if (!this.stopped) this.heard.stopped(result.message, result.wipe);
      this.stopped = true;
    } else this.heard.line(result.kind === "busy" || result.kind === "refused" ? "busy" : "offline");
    return false;
  }

  /** Sign of life; null when the server was not reached. */
  async beat(version) {
    if (this.stopped) return null;
    const result = await call("/api/lead/heartbeat", {
      body: { device_time: new Date().toISOString(), queue: await this.store.count(), version },
    });
    if (result.kind === "answer") {
      this.heard.line("online");
      return result.body;
    }
    this.#answered(result, "");
    return null;
  }

  /** The team's newest leads and the exhibitor's words and questions; null when the server was not reached. */
  async recent() {
    if (this.stopped) return null;
    const result = await call("/api/lead/recent");
    return this.#answered(result, "leads") ? result.body : null;
  }

  unpair() {
    return call("/api/lead/unpair", { body: {} });
  }
}
