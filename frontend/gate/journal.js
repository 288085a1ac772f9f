// What this device has read and the server has not yet acknowledged. A row is written, durably, before anything is sent
// and before anything is shown; it goes only when the server has named it. The sequence number is given in the same
// transaction, so it has no gaps: the server can tell when a device lost something.
import { openDB } from "idb";

const VERSION = 1;

/** The journal of one pairing of this device. Without IndexedDB (a private window) it lives as long as the page. */
export async function openJournal(pairing) {
  try {
    const db = await openDB(`gate-${pairing}`, VERSION, {
      upgrade(fresh) {
        fresh.createObjectStore("rows", { keyPath: "client_uuid" }).createIndex("seq", "device_seq");
        fresh.createObjectStore("meta");
      },
    });
    return new Journal(db);
  } catch {
    return new MemoryJournal();
  }
}

class Journal {
  constructor(db) {
    this.db = db;
  }

  /** Store a reading; gives it back with its number. */
  async add(row) {
    const work = this.db.transaction(["rows", "meta"], "readwrite", { durability: "strict" });
    const seq = ((await work.objectStore("meta").get("seq")) ?? 0) + 1;
    const numbered = { ...row, device_seq: seq };
    work.objectStore("meta").put(seq, "seq");
    work.objectStore("rows").put(numbered);
    await work.done;
    return numbered;
  }

  /** Note what the device decided itself; such rows wait for the upload. */
  async decide(uuid, decided) {
    const work = this.db.transaction("rows", "readwrite", { durability: "strict" });
    const row = await work.store.get(uuid);
    if (row) work.store.put({ ...row, decided });
    await work.done;
  }

  /** The server has acknowledged this row. */
  async settle(uuid) {
    await this.db.delete("rows", uuid);
  }

  /** Every row that waits, oldest first. */
  async waiting() {
    return this.db.getAllFromIndex("rows", "seq");
  }

  async lastSeq() {
    return (await this.db.get("meta", "seq")) ?? 0;
  }
}

class MemoryJournal {
  rows = new Map();
  seq = 0;

  async add(row) {
    const numbered = { ...row, device_seq: (this.seq += 1) };
    this.rows.set(row.client_uuid, numbered);
    return numbered;
  }

  async decide(uuid, decided) {
    const row = this.rows.get(uuid);
    if (row) this.rows.set(uuid, { ...row, decided });
  }

  async settle(uuid) {
    this.rows.delete(uuid);
  }

  async waiting() {
    return [...this.rows.values()];
  }

  async lastSeq() {
    return this.seq;
  }
}
