// What this device has read and the server has not yet acknowledged. A row is written, durably, before anything is sent
// and before anything is shown; it goes only when the server has named it. The sequence number is given in the same
// transaction, so it has no gaps: the server can tell when a device lost something.
//
// A row is open until it is decided and then waits for the upload. Two sparse indexes tell them apart, so that the next
// batch is found at once however long the queue is: `open` holds the number of undecided rows, `queued` of decided ones.
import { deleteDB, openDB } from "idb";

const VERSION = 3;
const STRICT = { durability: "strict" };

/**
 * The journal of one pairing of this device, and of one use of it (`name`: gate, lead, …). Rejects when the browser
 * cannot store: then nothing may be shown as done.
 */
export async function openJournal(pairing, { name = "gate" } = {}) {
  const journal = new Journal(`${name}-${pairing}`);
  await journal.open();
  return journal;
}

class Journal {
  #name;
  #db = null;
  cleared = false; // rows were lost: somebody, or the browser, emptied the database

  constructor(name) {
    this.#name = name;
  }

  /** The open database; opened again when the browser closed it (storage cleared, pressure). */
  async open() {
    this.#db ??= openDB(this.#name, VERSION, {
      async upgrade(db, from, _to, work) {
        if (from < 1) {
          db.createObjectStore("rows", { keyPath: "client_uuid" }).createIndex("seq", "device_seq");
          db.createObjectStore("meta");
        }
        if (from < 3) db.createObjectStore("elsewhere");
        if (from < 2) {
          const rows = work.objectStore("rows");
          rows.createIndex("open", "open");
          rows.createIndex("queued", "queued");
          db.createObjectStore("presence");
          // Rows that an older version of the page left behind.
          for (let at = await rows.openCursor(); at; at = await at.continue()) {
            await at.update({ ...at.value, [at.value.decided ? "queued" : "open"]: at.value.device_seq });
          }
        }
      },
      terminated: () => {
        this.#db = null;
      },
      blocking: (_from, _to, event) => {
        event.target.close(); // a newer page wants to change the database
        this.#db = null;
      },
    }).then((db) => this.#remember(db)).catch((error) => {
      this.#db = null;
      throw error;
    });
    return this.#db;
  }

  /** The last number is kept a second time: where the database alone was cleared, the numbers go on and the gap tells the server. */
  async #remember(db) {
    const last = Number(globalThis.localStorage?.getItem(`${this.#name}-seq`) ?? 0);
    const work = db.transaction("meta", "readwrite", STRICT);
    const seq = (await work.store.get("seq")) ?? 0;
    if (seq < last) {
      work.store.put(last, "seq");
      this.cleared = true;
    }
    await work.done;
    return db;
  }

  /** Delete the database and what the browser remembers of this pairing beside it: the device is wiped. */
  async erase() {
    (await this.open()).close();
    this.#db = null;
    await deleteDB(this.#name);
    const pairing = this.#name.slice(this.#name.indexOf("-") + 1);
    for (const key of Object.keys(localStorage)) if (key.includes(pairing) || key.endsWith("-by")) localStorage.removeItem(key);
  }

  /**
   * Store a reading; gives it back with its number. `ready`: it waits for the upload at once, there is nothing to decide.
   * Rejects when it could not be stored (quota, private window, storage cleared).
   */
  async add(row, { ready = false } = {}) {
    const made = await this.#write(["rows", "meta"], async (store) => {
      const seq = ((await store("meta").get("seq")) ?? 0) + 1;
      const numbered = { ...row, device_seq: seq };
      store("meta").put(seq, "seq");
      store("rows").put({ ...numbered, [ready ? "queued" : "open"]: seq });
      return numbered;
    });
    try {
      localStorage.setItem(`${this.#name}-seq`, made.device_seq);
    } catch {
      // it is only the second copy
    }
    return made;
  }

  /**
   * Note what the device decided itself; such rows wait for the upload. More fields of the row may come with it, and what
   * is now known about the presence of the badge ({key: value}), in the same transaction.
   */
  async decide(uuid, decided, { fields = {}, presence = {} } = {}) {
    return this.#write(["rows", "presence"], async (store) => {
      const row = await store("rows").get(uuid);
      if (!row) throw new Error("the row is gone");
      const { open: seq = row.device_seq, queued: _queued, ...rest } = row;
      store("rows").put({ ...rest, ...fields, decided, queued: seq });
      for (const [key, value] of Object.entries(presence)) store("presence").put(value, key);
    });
  }

  /** The server has acknowledged these rows. */
  async settle(uuids, { presence = {} } = {}) {
    return this.#write(["rows", "presence"], async (store) => {
      for (const uuid of [uuids].flat()) store("rows").delete(uuid);
      for (const [key, value] of Object.entries(presence)) store("presence").put(value, key);
    }, { durability: "relaxed" }); // lost with the power, it is sent once more and answered the same
  }

  /** The server will never take this row: it is kept, out of the way of the others. */
  async setAside(uuid, error) {
    return this.#write(["rows"], async (store) => {
      const row = await store("rows").get(uuid);
      if (!row) return;
      const { open: _open, queued: _queued, ...rest } = row;
      store("rows").put({ ...rest, error });
    });
  }

  /** The oldest rows that wait for the upload, at most `limit`. */
  async batch(limit = 500) {
    return (await this.open()).getAllFromIndex("rows", "queued", null, limit);
  }

  /** Rows whose answer never came to the screen. */
  async undecided() {
    return (await this.open()).getAllFromIndex("rows", "open");
  }

  /** How many rows wait for the upload. */
  async count() {
    return (await this.open()).countFromIndex("rows", "queued");
  }

  async lastSeq() {
    return (await this.note("seq")) ?? 0;
  }

  /** Number on from `seq` when the server has seen higher numbers than this store: it was cleared. */
  async continueAfter(seq) {
    return this.#write(["meta"], async (store) => {
      if (((await store("meta").get("seq")) ?? 0) < seq) store("meta").put(seq, "seq");
    });
  }

  async presence(key) {
    return (await this.open()).get("presence", key);
  }

  /** What the server has told of a badge at all doors of the zone; undefined when nothing. */
  async elsewhere(key) {
    return (await this.open()).get("elsewhere", key);
  }

  /** Keep what the server tells of badges: [key, value or null]. With `first` all that was told before is forgotten. */
  async hear(entries, { first = false } = {}) {
    return this.#write(["elsewhere"], async (store) => {
      if (first) store("elsewhere").clear();
      for (const [key, value] of entries) value ? store("elsewhere").put(value, key) : store("elsewhere").delete(key);
    }, { durability: "relaxed" }); // lost with the power, it is asked for again
  }

  /** Forget the presence of periods whose key does not begin with one of these. */
  async keepPresence(prefixes) {
    return this.#write(["presence"], async (store) => {
      for (let at = await store("presence").openKeyCursor(); at; at = await at.continue()) {
        if (!prefixes.some((prefix) => String(at.key).startsWith(prefix))) store("presence").delete(at.key);
      }
    });
  }

  /** A value that is kept with the journal. */
  async note(key, value) {
    const db = await this.open();
    return value === undefined ? db.get("meta", key) : db.put("meta", value, key);
  }

  async #write(stores, change, options = STRICT) {
    let db = await this.open();
    let work;
    try {
      work = db.transaction(stores, "readwrite", options);
    } catch (error) {
      if (error.name !== "InvalidStateError") throw error;
      this.#db = null; // the browser closed it under us: once more
      db = await this.open();
      work = db.transaction(stores, "readwrite", options);
    }
    work.done.catch(() => {}); // reported below
    try {
      const result = await change((name) => work.objectStore(name));
      await work.done;
      return result;
    } catch (error) {
      try {
        work.abort();
      } catch {
        // it has ended already
      }
      throw work.error ?? error;
    }
  }
}

/** crypto.randomUUID exists only in secure contexts; getRandomValues everywhere. */
export function newUuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
