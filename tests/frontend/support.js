// Stand-ins for the browser's database, as small as the modules under test need them.

const order = (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
globalThis.IDBKeyRange ??= {
  bound: (low, high) => (key) => compare(key, low) >= 0 && compare(key, high) <= 0,
  upperBound: (high) => (key) => compare(key, high) <= 0,
  lowerBound: (low) => (key) => compare(key, low) >= 0,
};

function compare([version, index], [otherVersion, otherIndex]) {
  return version - otherVersion || index - otherIndex;
}

/** A database with these stores, of the calls that idb has. */
export function fakeDatabase(names) {
  const stores = Object.fromEntries(names.map((name) => [name, new Map()]));
  const id = (key) => JSON.stringify(key);
  const store = (name) => ({
    get: async (key) => stores[name].get(id(key)),
    put: async (value, key) => void stores[name].set(id(key), value),
    clear: async () => stores[name].clear(),
    delete: async (which) => {
      for (const key of [...stores[name].keys()]) if (typeof which === "function" ? which(JSON.parse(key)) : key === id(which)) stores[name].delete(key);
    },
    getAll: async (range) => [...stores[name]].filter(([key]) => !range || range(JSON.parse(key))).sort(order).map(([, value]) => value),
  });
  return {
    stores,
    get: (name, key) => store(name).get(key),
    put: (name, value, key) => store(name).put(value, key),
    transaction: (which) => ({ objectStore: store, store: store([which].flat()[0]), done: Promise.resolve() }),
  };
}

/** A journal in memory; `full` makes every write fail as a browser without storage does. */
export class FakeJournal {
  rows = new Map();
  aside = [];
  full = false;
  seq = 0;

  #write() {
    if (this.full) throw Object.assign(new Error("quota"), { name: "QuotaExceededError" });
  }

  async add(row) {
    this.#write();
    this.seq += 1;
    const numbered = { ...row, device_seq: this.seq };
    this.rows.set(row.client_uuid, { ...numbered, open: this.seq });
    return numbered;
  }

  async decide(uuid, decided) {
    this.#write();
    const { open: queued, ...row } = this.rows.get(uuid);
    this.rows.set(uuid, { ...row, decided, queued });
  }

  async settle(uuids) {
    for (const uuid of [uuids].flat()) this.rows.delete(uuid);
  }

  async setAside(uuid, error) {
    this.aside.push([uuid, error]);
    this.rows.delete(uuid);
  }

  async undecided() {
    return [...this.rows.values()].filter((row) => row.open);
  }

  async batch(limit) {
    return [...this.rows.values()].filter((row) => row.queued).slice(0, limit);
  }
}
