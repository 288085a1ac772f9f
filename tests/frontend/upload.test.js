// The queue: only a receipt that names a row settles it, and one bad row holds up nobody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Uploader } from "../../frontend/gate/upload.js";
import { FakeJournal } from "./support.js";

async function queue(count, code = (i) => `C${i}`) {
  const journal = new FakeJournal();
  for (let i = 0; i < count; i += 1) {
    await journal.add({ client_uuid: `u${i}`, code: code(i) });
    await journal.decide(`u${i}`, { status: "admit", reason: "ok" });
  }
  return journal;
}

const receipts = (items) => ({ kind: "answer", body: { receipts: items.map((item, index) => ({ index, client_uuid: item.client_uuid, ok: true })) } });

test("1,234 rows go in batches of 500", async () => {
  const journal = await queue(1234);
  const sizes = [];
  const uploader = new Uploader(journal, async (items) => {
    sizes.push(items.length);
    assert.ok(items.every((item) => !("queued" in item) && item.decided));
    return receipts(items);
  });
  assert.equal(await uploader.run(), null);
  assert.deepEqual(sizes, [500, 500, 234]);
  assert.equal(journal.rows.size, 0);
});

test("an answer without receipts settles nothing", async () => {
  const journal = await queue(3);
  for (const body of [{}, { receipts: [] }, { receipts: [{ index: 0, client_uuid: "another", ok: true }] }, "<h1>Hotel</h1>"]) {
    assert.equal((await new Uploader(journal, async () => ({ kind: "answer", body })).run()).kind, "unreachable");
    assert.equal(journal.rows.size, 3);
  }
});

test("a cut after any batch, and all is sent again", async () => {
  for (let cut = 0; cut < 4; cut += 1) {
    const journal = await queue(1600);
    const stored = new Set();
    let calls = 0;
    const uploader = new Uploader(journal, async (items) => {
      for (const item of items) stored.add(item.client_uuid);
      calls += 1;
      return calls === cut + 1 ? { kind: "unreachable" } : receipts(items); // stored, but the receipt is lost
    });
    assert.equal((await uploader.run()).kind, "unreachable");
    assert.equal(await uploader.run(), null);
    assert.equal(stored.size, 1600);
    assert.equal(journal.rows.size, 0);
  }
});

test("a poison row is put aside, the others arrive", async () => {
  const journal = await queue(5);
  const uploader = new Uploader(journal, async (items) => ({
    kind: "answer",
    body: { receipts: items.map((item, index) => (item.client_uuid === "u2" ? { index, client_uuid: null, ok: false, error: "schema" } : { index, client_uuid: item.client_uuid, ok: true })) },
  }));
  assert.equal(await uploader.run(), null);
  assert.deepEqual(journal.aside, [["u2", "schema"]]);
});

test("a batch that is refused as a whole is halved until the row is found", async () => {
  const journal = await queue(64);
  const uploader = new Uploader(journal, async (items) =>
    items.some((item) => item.client_uuid === "u37") ? { kind: "refused", status: 413, error: "too_large" } : receipts(items));
  assert.equal(await uploader.run(), null);
  assert.deepEqual(journal.aside, [["u37", "too_large"]]);
});

test("a row that is being stored at this moment is asked for again later", async () => {
  const journal = await queue(2);
  const uploader = new Uploader(journal, async (items) => ({ kind: "answer", body: { receipts: items.map((item, index) => ({ index, client_uuid: item.client_uuid, ok: false, error: "in_flight", retry: true })) } }));
  assert.equal((await uploader.run()).kind, "unreachable");
  assert.equal(journal.rows.size, 2);
});

test("long codes make smaller batches: the server takes a megabyte", async () => {
  const journal = await queue(500, () => "x".repeat(4096));
  const uploader = new Uploader(journal, async (items) => {
    assert.ok(JSON.stringify(items).length < 1_000_000);
    return receipts(items);
  });
  assert.equal(await uploader.run(), null);
});
