// The talk with the server beside the scans: the heartbeat, the queue, the list of badges, the rules. It runs by itself,
// oftener while the server does not answer, and tells `on` what it learns.
import { RosterFault } from "./roster.js";
import { Uploader } from "./upload.js";

const BEAT_MS = 15_000;
const SEARCH_MS = 4000; // while there is no connection

export class Sync {
  #timer = null;
  #beating = null;

  /** `on`: line(name), counts(counts), clock(offsetMs), list(fault), gate(id), conflict(receipt), gone(error, message, wipe), beat(answer). */
  constructor({ server, journal, roster, judge, on, boot, build }) {
    Object.assign(this, { server, journal, roster, judge, on, boot, build });
    this.line = "offline";
    this.stopped = false;
    this.rulesTag = null;
    this.rtt = null;
    this.uploader = new Uploader(journal, (items) => server.sendScans(items, boot), {
      onReceipt: (row, receipt) => {
        if (receipt.answer?.conflict) this.on.conflict(receipt);
      },
    });
  }

  /** Rules and clock of the last time, for a start without a network. */
  async load() {
    const [kept, offset] = await Promise.all([this.journal.note("rules"), this.journal.note("offset")]);
    if (kept) {
      this.judge.rules = kept.rules;
      this.rulesTag = kept.etag;
    }
    this.judge.offsetMs = offset ?? 0;
  }

  start() {
    addEventListener("online", () => this.beat());
    addEventListener("offline", () => this.setLine("offline"));
    return this.#turn();
  }

  async #turn() {
    await this.beat();
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    if (!this.stopped) this.#timer = setTimeout(() => this.#turn(), this.line === "online" ? BEAT_MS : SEARCH_MS);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.#timer);
  }

  setLine(line) {
    const lost = this.line === "online" && line !== "online";
    this.line = line;
    this.on.line(line);
    if (lost) this.#later(); // look for it soon, not at the next turn
  }

  /** One heartbeat with all that follows from it; those asked for meanwhile are the same one. */
  beat() {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  /** A scan answer spoke of this version of the list. */
  heard(version) {
    if (Number.isInteger(version) && this.roster.ready && version > this.roster.version) this.refreshList();
  }

  async refreshList() {
    try {
      const done = await this.roster.refresh(this.server);
      if (done) this.on.list("");
      return done;
    } catch (error) {
      this.on.list(error instanceof RosterFault ? error.fault : "stored"); // what is there stays in use
      return false;
    }
  }

  async refreshRules() {
    const result = await this.server.rules(this.rulesTag);
    if (result.kind !== "answer") return result.kind === "unchanged";
    this.judge.rules = result.body;
    this.rulesTag = result.etag ?? null;
    if (Array.isArray(result.body.keys)) await this.roster.trust(result.body.keys).catch(() => {});
    await this.journal.note("rules", { rules: result.body, etag: this.rulesTag }).catch(() => {});
    await this.journal.keepPresence(this.judge.periods()).catch(() => {});
    return true;
  }

  /** Where the badges of this zone are, by all doors: at first all, then those that were read since. */
  async refreshElsewhere() {
    const { rules } = this.judge;
    if (!rules) return;
    const here = `${this.judge.periods()[0]}${rules.zone_code ?? ""}|`;
    const known = await this.journal.note("elsewhere");
    let since = known?.here === here ? known.since : 0;
    for (let after = 0, newest = null; after !== null; ) {
      const result = await this.server.presence(since, after);
      const { body } = result;
      if (result.kind !== "answer" || !Array.isArray(body.rows) || !Number.isInteger(body.newest)) return;
      if (`${body.period}|${body.zone_code}|` !== here) return; // midnight, or another gate: next time
      const entries = body.rows.map(([hash, entries_, inside, first, last]) => [
        here + hash,
        last === null ? null : { entries: entries_, inside: inside === 1, first_entry_at: iso(first), last_at: iso(last) },
      ]);
      await this.journal.hear(entries, { first: !since && !after });
      newest ??= body.newest;
      after = body.after ?? null;
      if (after === null) await this.journal.note("elsewhere", { here, since: newest || 1 });
    }
  }

  async #beat() {
    if (this.stopped) return;
    const [storage, battery, queue, lastSeq] = await Promise.all([
      storageOf(), batteryOf(), this.journal.count().catch(() => 0), this.journal.lastSeq().catch(() => 0),
    ]);
    const age = this.roster.age();
    const begun = Date.now();
    const { rtt } = this;
    const result = await this.server.heartbeat({
      ...this.server.moment(this.boot),
      queue,
      version: this.build,
      app_version: this.build,
      last_seq: lastSeq,
      ...(rtt === null ? {} : { rtt_ms: rtt }),
      kids: this.roster.keys.map((key) => key.kid),
      snapshot_version: this.roster.version,
      snapshot_age_s: age === null ? null : Math.round(age),
      storage,
      ...(battery === null ? {} : { battery }),
    });
    if (result.kind === "refused" && result.status === 401) return this.on.gone(result.error, result.message, result.wipe);
    if (result.kind !== "answer") return this.setLine(result.kind === "busy" ? "busy" : "offline");
    this.rtt = Math.round(Math.min(60_000, Math.max(0, Date.now() - begun))); // of the last time: it goes with the next
    await this.#answered(result.body, begun, lastSeq);
    if (queue && this.line === "online") this.#soon();
  }

  /** The queue is gone: say so before the next turn, the supervisor's board shows what the last heartbeat said. */
  #soon() {
    setTimeout(() => this.beat(), 1000);
  }

  async #answered(answer, begun, lastSeq) {
    const offset = Date.parse(answer.server_time) - (begun + Date.now()) / 2;
    if (Number.isFinite(offset)) {
      this.judge.offsetMs = offset;
      this.judge.contact = true;
      this.journal.note("offset", offset).catch(() => {});
      this.on.clock(offset);
    }
    if (answer.held_seq > lastSeq) await this.journal.continueAfter(answer.held_seq).catch(() => {});
    this.on.counts(answer.counts);
    this.setLine("online");
    this.on.beat(answer);
    if (answer.gate_id !== undefined) await this.on.gate(answer.gate_id ?? null);
    await this.refreshRules();
    if (!(await this.roster.confirm(answer.snapshot_version).catch(() => false))) await this.refreshList();
    else this.on.list("");
    await this.refreshElsewhere().catch(() => {});
    const left = await this.uploader.run().catch(() => ({ kind: "unreachable" }));
    if (left?.kind === "refused" && left.status === 401) this.on.gone(left.error, left.message, left.wipe);
    this.on.line(this.line); // the queue is shorter now
  }
}

const iso = (ms) => (ms === null ? null : new Date(ms).toISOString());

async function storageOf() {
  try {
    const [{ quota, usage }, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
    return { quota: Math.round(quota ?? 0), usage: Math.round(usage ?? 0), persisted };
  } catch {
    return null;
  }
}

async function batteryOf() {
  try {
    return Math.round((await navigator.getBattery()).level * 100);
  } catch {
    return null;
  }
}
