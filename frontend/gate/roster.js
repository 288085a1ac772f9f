// The list of badges on this device, for the time without a network: which serial has which class and state, no contact
// data. It comes as a signed manifest with parts, and afterwards as changes. Parts are checked and stored one by one; only
// when all are there one transaction makes them the list, so a half one is never seen. In memory it is a map: 50,000
// badges are found faster than one read of the database.
import { deleteDB, openDB } from "idb";
import { fromHex, sha256, verifies } from "./crypto.js";

const VERSION = 1;
const DOMAIN = "expo-crm snapshot v1\0";
const STATES = ["active", "replaced", "blocked", "revoked"];
const FLAGS = { printed: 1, cancelled: 2, pending: 4, unpaid: 8, needs_input: 16 };

/** What is wrong with a list that came: `fault` is signature, old, hash, show or form. The old list stays. */
export class RosterFault extends Error {
  constructor(fault) {
    super(`the list of badges: ${fault}`);
    this.fault = fault;
  }
}

/** The list of one pairing. `keys` of the page are pinned; others come with the rules or a signed list. */
export async function openRoster(pairing, { keys, edition }) {
  const db = await openDB(`badges-${pairing}`, VERSION, {
    upgrade(fresh) {
      fresh.createObjectStore("parts"); // [version, index] → bytes
      fresh.createObjectStore("changes"); // serial hash → row
      fresh.createObjectStore("meta");
    },
    blocking: (_from, _to, event) => event.target.close(),
  });
  const roster = new Roster(db, edition);
  await roster.load(keys);
  return roster;
}

export class Roster {
  constructor(db, edition) {
    this.db = db;
    this.edition = edition;
    this.rows = new Map();
    this.keys = [];
    this.classes = new Map();
    this.version = null;
    this.lineage = "";
    this.keysId = "";
    this.confirmedAt = null; // by the device's clock, ms
    this.confirmedTick = null; // by the page's own clock, which nobody can set back
  }

  get ready() {
    return this.version !== null;
  }

  get count() {
    return this.rows.size;
  }

  /** Seconds since the server last said that this list is the newest; null without a list. */
  age(now = Date.now(), tick = performance.now()) {
    if (!this.ready) return null;
    const wall = now - this.confirmedAt;
    const own = this.confirmedTick === null ? 0 : tick - this.confirmedTick;
    return Math.max(0, wall, own) / 1000;
  }

  /** Bring what is stored into memory. */
  async load(keys = []) {
    const work = this.db.transaction(["parts", "changes", "meta"]);
    const meta = work.objectStore("meta");
    const [active, pinned, keysId] = await Promise.all([meta.get("active"), meta.get("keys"), meta.get("keys_id")]);
    this.keys = pinned ?? [];
    this.keysId = keysId ?? "";
    if (active) {
      const within = IDBKeyRange.bound([active.manifest.version, 0], [active.manifest.version, Infinity]);
      const [parts, changes] = await Promise.all([
        work.objectStore("parts").getAll(within),
        work.objectStore("changes").getAll(),
      ]);
      this.#become(active, parts.flatMap(readPart), changes);
    }
    await work.done;
    await this.trust(keys);
  }

  /** Keys that the server itself gives, with the page or with the rules; what is known of a burnt one stays. */
  async trust(keys) {
    const given = new Map(keys.map((key) => [key.public_hex, key]));
    const burnt = (key) => key.state === "compromised" || given.get(key.public_hex)?.state === "compromised";
    const known = this.keys.map((key) => (burnt(key) ? { ...key, state: "compromised" } : key));
    const fresh = keys.filter((key) => !known.some((one) => one.public_hex === key.public_hex));
    if (fresh.length || known.some((key, index) => key !== this.keys[index] && this.keys[index].state !== "compromised")) {
      await this.#keep([...known, ...fresh.map(({ kid, public_hex, state }) => ({ kid, public_hex, state }))], this.keysId);
    }
  }

  /** The entry of a serial (16 hex signs): {class_code, state, generation, printed, …, initials, locale}, or null. */
  async find(serial) {
    return this.entry(await this.hashOf(serial));
  }

  /** Under which a device knows a badge. */
  async hashOf(serial) {
    return (await sha256(fromHex(serial))).slice(0, 16);
  }

  /** The entry of the hash of a serial, or null. */
  entry(key) {
    const row = this.rows.get(key);
    if (!row) return null;
    const [hash, classIndex, state, generation, flags, initials, locale] = row;
    const kind = this.classes.get(classIndex) ?? null;
    const entry = { hash, class_code: kind?.code ?? "", class: kind, state: STATES[state] ?? "blocked", generation, initials, locale: locale === 1 ? "en" : "zh" };
    for (const [name, bit] of Object.entries(FLAGS)) entry[name] = (flags & bit) !== 0;
    return entry;
  }

  /** The class that a code itself names; null when the list does not say. Of its number a code carries 16 bits. */
  classOfBits(bits) {
    return [...this.classes.values()].find((one) => (one.index & 0xffff) === bits) ?? null;
  }

  /** The server says that `version` is the newest. True when ours is. */
  async confirm(version) {
    if (!this.ready || version !== this.version) return false;
    await this.#confirm();
    return true;
  }

  /**
   * Make the list the newest: by its changes, or as a whole. `from`: snapshot(), changes(since, lineage), part(url) as in
   * server.js. True when done, false when the server was not reached; throws RosterFault.
   */
  async refresh(from) {
    if (!this.ready && !(await this.#pull(from))) return false;
    for (let whole = 0; ; ) {
      const result = await from.changes(this.version, this.lineage);
      if (result.kind !== "answer") return false;
      const { version, rows, full, more, keys_id: keysId, denied_kids: denied = [], classes } = result.body ?? {};
      if (full) {
        if ((whole += 1) > 2) throw new RosterFault("form");
        if (!(await this.#pull(from))) return false;
        continue;
      }
      if (!Number.isInteger(version) || !Array.isArray(rows) || !rows.every(isRow)) throw new RosterFault("form");
      if (version < this.version) throw new RosterFault("old");
      if (more && version === this.version) throw new RosterFault("form"); // it would never end
      await this.#change({ version, rows, classes, newest: !more });
      await this.#deny(denied);
      if (keysId && keysId !== this.keysId) await this.#newKeys(from);
      if (!more) return true;
    }
  }

  /** Forget everything: the device was withdrawn. */
  async wipe() {
    this.rows = new Map();
    this.version = null;
    const work = this.db.transaction(["parts", "changes", "meta"], "readwrite", { durability: "strict" });
    for (const name of ["parts", "changes", "meta"]) work.objectStore(name).clear();
    await work.done;
  }

  /** Delete the database itself, keys and all: the device is wiped. */
  async erase() {
    const { name } = this.db;
    this.db.close();
    await deleteDB(name);
  }

  async #pull(from) {
    const result = await from.snapshot();
    if (result.kind !== "answer") return false;
    const manifest = await this.check(result.body);
    const parts = [];
    for (const [index, one] of manifest.chunks.entries()) {
      const key = [manifest.version, index];
      let bytes = await this.db.get("parts", key); // of a pull that was cut off
      if (!bytes || (await sha256(bytes)) !== one.sha256) {
        bytes = await from.part(one.url);
        if (bytes === null) return false;
        if ((await sha256(bytes)) !== one.sha256) throw new RosterFault("hash");
        await this.db.put("parts", bytes, key);
      }
      const rows = readPart(bytes);
      if (rows.length !== one.count || !rows.every(isRow)) throw new RosterFault("form");
      parts.push(rows);
    }
    const rows = parts.flat();
    if (rows.length !== manifest.count) throw new RosterFault("form");
    if (this.ready && manifest.lineage === this.lineage && manifest.version < this.version) throw new RosterFault("old");
    const active = { manifest, version: manifest.version, classes: manifest.classes, confirmed_at: Date.now() };
    const keys = trusted(this.keys, manifest.keys);
    const work = this.db.transaction(["parts", "changes", "meta"], "readwrite", { durability: "strict" });
    work.objectStore("meta").put(active, "active");
    work.objectStore("meta").put(keys, "keys");
    work.objectStore("meta").put(manifest.keys_id, "keys_id");
    work.objectStore("changes").clear();
    work.objectStore("parts").delete(IDBKeyRange.upperBound([manifest.version, -1]));
    work.objectStore("parts").delete(IDBKeyRange.lowerBound([manifest.version + 1, 0]));
    await work.done;
    [this.keys, this.keysId] = [keys, manifest.keys_id];
    this.#become(active, rows, []);
    this.confirmedTick = performance.now();
    return true;
  }

  /** A manifest that may become our list. Throws RosterFault. */
  async check(manifest) {
    if (!manifest || !Number.isInteger(manifest.version) || !Array.isArray(manifest.chunks) || !Array.isArray(manifest.keys)) throw new RosterFault("form");
    const { signature, ...signed } = manifest;
    const message = new TextEncoder().encode(DOMAIN + canonical(signed));
    const fitting = this.keys.filter((key) => key.kid === manifest.kid && key.state !== "compromised");
    const holds = await Promise.all(fitting.map((key) => verifies(key.public_hex, fromHex(signature), message)));
    if (!holds.includes(true)) throw new RosterFault("signature");
    if (manifest.edition_id !== this.edition) throw new RosterFault("show");
    if ((await sha256(manifest.chunks.map((one) => one.sha256).join("\n"))) !== manifest.sha256) throw new RosterFault("hash");
    if (!manifest.chunks.every((one) => typeof one.url === "string" && one.url.startsWith("/api/gate/snapshot/"))) throw new RosterFault("form");
    return manifest;
  }

  async #change({ version, rows, classes, newest }) {
    const active = { ...(await this.db.get("meta", "active")), version };
    if (classes) active.classes = classes;
    if (newest) active.confirmed_at = Date.now();
    const work = this.db.transaction(["changes", "meta"], "readwrite");
    for (const row of rows) work.objectStore("changes").put(row, row[0]);
    work.objectStore("meta").put(active, "active");
    await work.done;
    for (const row of rows) this.rows.set(row[0], row);
    this.version = version;
    if (classes) this.classes = byIndex(classes);
    if (newest) [this.confirmedAt, this.confirmedTick] = [active.confirmed_at, performance.now()];
  }

  /** The keys changed: take them from a manifest, which is signed. */
  async #newKeys(from) {
    const result = await from.snapshot();
    if (result.kind !== "answer") return;
    const manifest = await this.check(result.body);
    await this.#keep(trusted(this.keys, manifest.keys), manifest.keys_id);
  }

  /** These keys are burnt, from now on. It needs no proof: it only takes trust away. */
  async #deny(kids) {
    if (!this.keys.some((key) => kids.includes(key.kid) && key.state !== "compromised")) return;
    await this.#keep(this.keys.map((key) => (kids.includes(key.kid) ? { ...key, state: "compromised" } : key)), this.keysId);
  }

  async #keep(keys, keysId) {
    const work = this.db.transaction("meta", "readwrite");
    work.store.put(keys, "keys");
    work.store.put(keysId, "keys_id");
    await work.done;
    [this.keys, this.keysId] = [keys, keysId];
  }

  async #confirm() {
    const active = { ...(await this.db.get("meta", "active")), confirmed_at: Date.now() };
    if (!active.manifest) return;
    await this.db.put("meta", active, "active");
    [this.confirmedAt, this.confirmedTick] = [active.confirmed_at, performance.now()];
  }

  #become(active, rows, changes) {
    const map = new Map();
    for (const row of rows) map.set(row[0], row);
    for (const row of changes) map.set(row[0], row);
    this.classes = byIndex(active.classes ?? []);
    this.rows = map;
    this.version = active.version;
    this.lineage = active.manifest.lineage ?? "";
    this.confirmedAt = active.confirmed_at;
  }
}

/** JSON as both sides write it for a signature: keys in order, no spaces. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

const byIndex = (classes) => new Map(classes.map((one) => [one.index, one]));

/** The keys after a signed list; one that was compromised stays so. */
function trusted(known, fresh) {
  const lost = new Set(known.filter((key) => key.state === "compromised").map((key) => key.public_hex));
  return fresh.map(({ kid, public_hex, state }) => ({ kid, public_hex, state: lost.has(public_hex) ? "compromised" : state }));
}

function readPart(bytes) {
  try {
    const rows = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}

function isRow(row) {
  return Array.isArray(row) && row.length >= 7 && /^[0-9a-f]{16}$/.test(row[0]) && row.slice(1, 5).every(Number.isInteger);
}
