// What this device decides by itself: the code is read and verified, the badge looked up in the list, the rules of the gate
// applied. The same decision as the server's, with what a device can know.
import { fault as signatureFault, parse } from "./badge-code.js";
import { decide, localTime } from "./decide.js";

const SUSPECT_MS = 600_000;

export class Judge {
  /**
   * `texts`: {reason: {zh, en}} and `leaving` of the same form. `rules` (as the server's /api/gate/rules) and the clock
   * offset are set from outside; `inside` is the number that was heard last.
   */
  constructor({ roster, journal, texts, leaving, edition }) {
    this.roster = roster;
    this.journal = journal;
    this.texts = texts;
    this.leaving = leaving;
    this.edition = edition;
    this.rules = null;
    this.offsetMs = 0;
    this.contact = false; // since this page was opened
    this.inside = 0;
  }

  /** May anything be decided here? */
  get able() {
    return this.rules !== null && this.roster.ready;
  }

  /** The time of the server, as well as this device knows it. */
  now(deviceTime = Date.now()) {
    return deviceTime + this.offsetMs;
  }

  /** {verdict, answer, fields, presence} for a row of the journal. */
  async decide(row) {
    const { rules } = this;
    const direction = rules?.direction === "both" ? (row.direction ?? "entry") : (rules?.direction ?? "entry");
    const at = this.now(Date.parse(row.device_time));
    const read = await this.read(row.code);
    // An opaque code says nothing by itself: without network anybody could make one up.
    if (!this.able || read.opaque) {
      const verdict = { status: "deny", reason: read.opaque ? "stale_snapshot" : read.fault || "stale_snapshot" };
      return { verdict, answer: this.#answer(row, verdict, direction, read.entry, null), fields: this.#fields(), presence: {} };
    }
    const key = this.#key(read, at);
    const own = (key && (await this.journal.presence(key))) ?? null;
    const elsewhere = (key && (await this.journal.elsewhere(this.#key(read, at, read.hash)))) ?? null;
    const known = since(own, elsewhere);
    const facts = { ...read.facts, device_allowed: rules.allowed !== false, presence: known ?? {}, elsewhere: elsewhere ?? {}, inside_zone: this.inside, clock_suspect: this.#suspect(), list_age_minutes: this.roster.age() / 60 };
    const verdict = decide(facts, { ...rules, direction, offline: true }, at);
    const presence = key && passed(verdict.status) ? { [key]: moved(known, direction, at) } : {};
    return { verdict, answer: this.#answer(row, verdict, direction, read.entry, known, elsewhere), fields: this.#fields(), presence };
  }

  /** What the server's answer says about the presence of the badge, to be kept with the journal: {key: value}. */
  async learn(row, answer) {
    if (!this.rules || !passed(answer.status)) return {};
    const read = await this.read(row.code);
    const at = this.now(Date.parse(row.device_time));
    const key = this.#key(read, at);
    return key ? { [key]: moved((await this.journal.presence(key)) ?? null, answer.direction, at) } : {};
  }

  /** {fault, serial, entry, facts} of what was read. */
  async read(text) {
    const code = parse(text);
    if (code.reason) return { fault: code.reason, opaque: code.opaque !== undefined, entry: null, facts: { fault: code.reason, same_edition: true, known: false } };
    const { payload } = code;
    const fault = await signatureFault(code, this.roster.keys);
    const facts = { fault, same_edition: payload.edition_id === this.edition, purpose: payload.purpose, generation: payload.generation };
    if (fault || !facts.same_edition) return { fault, entry: null, facts: { ...facts, known: false } };
    facts.compromised = this.roster.keys.some((key) => key.kid === payload.kid && key.state === "compromised");
    const hash = await this.roster.hashOf(payload.serial);
    const entry = this.roster.entry(hash);
    if (!entry) {
      // Genuine, and newer than the list: what the code itself says has to do.
      const kind = this.roster.classOfBits(payload.class_bits);
      const own = { badge_state: "active", current_generation: payload.generation, registration_state: "approved", badge_class: kind?.code ?? "" };
      return { fault: "", serial: payload.serial, hash, entry: kind && { class: kind }, facts: { ...facts, ...own, known: false, badge_printed: false, unpaid: false, needs_input: false } };
    }
    return {
      fault: "",
      serial: payload.serial,
      hash,
      entry,
      facts: {
        ...facts,
        known: true,
        badge_printed: entry.printed,
        badge_state: entry.state,
        current_generation: entry.generation,
        registration_state: entry.cancelled ? "cancelled" : entry.pending ? "submitted" : "approved",
        unpaid: entry.unpaid,
        needs_input: entry.needs_input,
        badge_class: entry.class_code,
      },
    };
  }

  /** Beginnings of the keys of presence that still count. */
  periods() {
    return this.rules ? [this.#period(this.now())] : [];
  }

  #period(at) {
    const day = this.rules.period === "show" ? this.rules.first_day : localTime(at, this.rules).day;
    return `${day}|`;
  }

  #key(read, at, name = read.serial) {
    return read.serial ? `${this.#period(at)}${this.rules.zone_code ?? ""}|${name}` : null;
  }

  #suspect() {
    return !this.contact || Math.abs(this.offsetMs) > SUSPECT_MS;
  }

  #fields() {
    return { snapshot_version: this.roster.version };
  }

  #answer(row, verdict, direction, entry, known, elsewhere = null) {
    const leaving = direction === "exit" && this.leaving[verdict.reason];
    const holder = entry && { initials: entry.initials ?? null, company: null, class: entry.class, locale: entry.locale };
    return {
      client_uuid: row.client_uuid,
      scan_id: null,
      ...verdict,
      text: leaving || this.texts[verdict.reason] || { zh: verdict.reason, en: verdict.reason },
      detail: this.#detail(verdict, known, elsewhere),
      direction,
      holder: holder || null,
      overridable: false,
      here: true, // stored and decided on this device only
      replayed: false,
      repeat: false,
    };
  }

  #detail({ reason }, known, elsewhere) {
    if (!reason.startsWith("already")) return null;
    const here = known?.inside || (known?.entries && reason === "already_used");
    const first = here ? known.first_entry_at : elsewhere?.first_entry_at;
    if (!first) return null;
    const total = Math.floor(localTime(first, this.rules).minutes);
    const clock = `${String(Math.floor(total / 60)).padStart(2, "0")}:${String(total % 60).padStart(2, "0")}`;
    return here
      ? { zh: `本机首次入场 ${clock}`, en: `First entry at this device ${clock}` }
      : { zh: `已于 ${clock} 从其他入口入场`, en: `Came in at another door at ${clock}` };
  }
}

const passed = (status) => status === "admit" || status === "admit_attention";

/** What this device saw of a badge, unless it was heard that the badge has left by another door since. */
function since(own, elsewhere) {
  const left = own?.inside && elsewhere && !elsewhere.inside && Date.parse(elsewhere.last_at) > Date.parse(own.last_at);
  return left ? { ...own, inside: false } : own;
}

/** The presence of a badge after one more passage, as domain/presence.py: `at` in ms. */
function moved(known, direction, at) {
  const entry = direction === "entry";
  const last = known?.last_at != null && Date.parse(known.last_at) > at ? known : null; // the clock was set back
  const moment = new Date(at).toISOString();
  return {
    entries: (known?.entries ?? 0) + (entry ? 1 : 0),
    inside: last ? last.inside : entry,
    first_entry_at: known?.first_entry_at ?? (entry ? moment : null),
    last_at: last ? last.last_at : moment,
  };
}
