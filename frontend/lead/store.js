// What this device holds until the server has it: readings in the journal, and beside them the newest notes on each lead.
// Both are written durably before anything is sent. Contact data are never stored: they come with each answer and live in
// the page's memory alone.
import { deleteDB } from "idb";
import { newUuid, openJournal } from "../gate/journal.js";

const EDITS = "edits";
const NAME = "lead";

export class Store {
  #turn = Promise.resolve(); // notes are read, changed and written one after the other

  /** `pairing` as in the page's configuration. Rejects when the browser cannot store. */
  static async open(pairing) {
    const store = new Store();
    store.pairing = pairing;
    store.journal = await openJournal(pairing, { name: NAME });
    return store;
  }

  /** Keep a reading; gives its row. Rejects when it could not be stored. */
  async add(code) {
    return this.journal.add({ client_uuid: newUuid(), code, device_time: new Date().toISOString() }, { ready: true });
  }

  waiting(limit = 50) {
    return this.journal.batch(limit);
  }

  /** How many readings and notes wait for the upload. */
  async count() {
    return (await this.journal.count()) + Object.keys(await this.edits()).length;
  }

  /** Notes by key ("s:<uuid of the reading>" or "l:<number of the lead>"): {details, consent, version, rev}. */
  async edits() {
    return (await this.journal.note(EDITS)) ?? {};
  }

  /** Add to the notes of a lead; fields that are given replace earlier ones. */
  note(key, { details = {}, consent = null, version = null }) {
    return this.#change((edits) => {
      const old = edits[key] ?? { details: {}, rev: 0 };
      const answers = { ...old.details.answers, ...details.answers };
      const merged = { ...old.details, ...details, ...(Object.keys(answers).length ? { answers } : {}) };
      edits[key] = { details: merged, consent: consent ?? old.consent ?? null, version: version ?? old.version ?? null, rev: old.rev + 1 };
    });
  }

  /** The server has these notes, unless something was added meanwhile. */
  settled(key, rev) {
    return this.#change((edits) => {
      if (edits[key]?.rev === rev) delete edits[key];
    });
  }

  #change(change) {
    const work = this.#turn.then(async () => {
      const edits = await this.edits();
      change(edits);
      await this.journal.note(EDITS, edits);
    });
    this.#turn = work.catch(() => {});
    return work;
  }

  /** Readings that earlier pairings of this device left behind move into this one, with new numbers. */
  async adopt() {
    const device = this.pairing.split("-")[0];
    const all = (await indexedDB.databases?.().catch(() => [])) ?? [];
    for (const { name } of all) {
      const [kind, id, when] = name.split("-");
      if (kind !== NAME || id !== device || `${id}-${when}` === this.pairing) continue;
      const earlier = await openJournal(`${id}-${when}`, { name: NAME });
      for (const { client_uuid, code, device_time } of await earlier.batch(20_000)) {
        await this.journal.add({ client_uuid, code, device_time }, { ready: true });
      }
      for (const [key, edit] of Object.entries((await earlier.note(EDITS)) ?? {})) await this.note(key, edit);
      (await earlier.open()).close();
      await deleteDB(name);
    }
  }

  /** Leave nothing behind. */
  async wipe() {
    (await this.journal.open()).close();
    await deleteDB(`${NAME}-${this.pairing}`);
  }
}
