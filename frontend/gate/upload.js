// The way of a queue to the server: batch by batch, and a row goes only when a receipt names it. One item that the server
// will never take is set aside, so that the others go on.

const ITEMS = 500;
const BYTES = 900_000; // the server takes a megabyte
const TERMINAL = new Set([400, 413, 415, 422]);

/** A row without the marks of this store. */
export const plain = ({ open: _open, queued: _queued, error: _error, ...row }) => row;

export class Uploader {
  #running = null;

  /**
   * `send(items)` answers as server.js does, with `body.receipts`; `item(row)` is what is sent of a row; `onReceipt(row,
   * receipt)` hears of each.
   */
  constructor(journal, send, { item = plain, onReceipt = () => {} } = {}) {
    this.journal = journal;
    this.send = send;
    this.item = item;
    this.onReceipt = onReceipt;
  }

  /** Send all that waits. Gives the last result that was no answer, or null when the queue is empty. One at a time. */
  async run() {
    this.#running ??= this.#all().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #all() {
    let most = ITEMS;
    for (;;) {
      const rows = fitting(await this.journal.batch(most), this.item);
      if (!rows.length) return null;
      const result = await this.send(rows.map(this.item));
      if (result.kind === "answer" && Array.isArray(result.body?.receipts)) {
        if (!(await this.#take(rows, result.body.receipts))) return { kind: "unreachable" };
        most = ITEMS;
      } else if (result.kind === "refused" && TERMINAL.has(result.status)) {
        // The batch as a whole is not taken: find the row that is to blame.
        if (rows.length > 1) most = Math.max(1, rows.length >> 1);
        else await this.journal.setAside(rows[0].client_uuid, result.error || String(result.status));
      } else return result.kind === "answer" ? { kind: "unreachable" } : result;
    }
  }

  /** Settle what the receipts name; false when they named nothing, so that nobody asks for ever. */
  async #take(rows, receipts) {
    const byUuid = new Map(rows.map((row) => [row.client_uuid, row]));
    const done = [];
    let moved = 0;
    for (const receipt of receipts) {
      const row = byUuid.get(receipt?.client_uuid);
      if (row && (receipt.ok || receipt.error === "uuid_reused" || receipt.status === "quarantined")) done.push(row.client_uuid);
      else {
        const refused = row ?? (receipt?.client_uuid == null && receipt?.error ? rows[receipt.index] : null);
        if (!refused || receipt.retry) continue;
        await this.journal.setAside(refused.client_uuid, receipt.error ?? "refused");
        moved += 1;
      }
      this.onReceipt(row, receipt);
    }
    if (done.length) await this.journal.settle(done);
    return done.length + moved > 0;
  }
}

function fitting(rows, item) {
  let bytes = 0;
  const last = rows.findIndex((row) => (bytes += JSON.stringify(item(row)).length * 3) > BYTES);
  return last > 0 ? rows.slice(0, last) : last === 0 ? rows.slice(0, 1) : rows;
}
