// The list of badges: genuine, whole and newest, or the old one stays (F22).
import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { canonical, Roster } from "../../frontend/gate/roster.js";
import { sha256, toHex } from "../../frontend/gate/crypto.js";
import { fakeDatabase } from "./support.js";

const pair = () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { privateKey, hex: toHex(publicKey.export({ type: "spki", format: "der" }).subarray(-32)) };
};
const ours = pair();
const other = pair();
const SERIALS = ["0123456789abcdef", "fedcba9876543210", "00000000000000ff"];
const hashOf = async (serial) => (await sha256(Uint8Array.from(Buffer.from(serial, "hex")))).slice(0, 16);
const row = async (serial, state = 0, generation = 1) => [await hashOf(serial), 9, state, generation, 1, "L. X.", 1];

/** A server with a list in parts of one row each. */
async function server({ version = 5, signer = ours, edition = 7, serials = SERIALS, tamper = (m) => m, part = (bytes) => bytes } = {}) {
  const parts = await Promise.all(serials.map(async (serial) => new TextEncoder().encode(JSON.stringify([await row(serial)]))));
  const chunks = await Promise.all(parts.map(async (bytes, n) => ({ url: `/api/gate/snapshot/${version}/${n}`, sha256: await sha256(bytes), bytes: bytes.length, count: 1 })));
  const manifest = {
    version, lineage: "aa", made_at: "2026-06-09T00:00:00Z", edition_id: edition, count: chunks.length, chunks,
    sha256: await sha256(chunks.map((one) => one.sha256).join("\n")),
    keys: [{ kid: 1, public_hex: ours.hex, state: "active" }], keys_id: "k1", kid: 1,
    classes: [{ index: 9, code: "trade", zh: "专业观众", en: "Trade visitor", colour: "#000" }],
  };
  const signature = sign(null, Buffer.from(`expo-crm snapshot v1\0${canonical(manifest)}`), signer.privateKey).toString("hex");
  const from = {
    asked: [],
    changed: { version, rows: [], full: false, more: false, keys_id: "k1", denied_kids: [] },
    snapshot: async () => ({ kind: "answer", body: tamper({ ...manifest, signature }) }),
    part: async (url) => {
      from.asked.push(url);
      return part(parts[Number(url.split("/").at(-1))], url);
    },
    changes: async () => ({ kind: "answer", body: from.changed }),
  };
  return from;
}

async function roster(db = fakeDatabase(["parts", "changes", "meta"])) {
  const made = new Roster(db, 7);
  await made.load([{ kid: 1, public_hex: ours.hex, state: "active" }]);
  return made;
}

test("a list is taken, kept and found again", async () => {
  const list = await roster();
  assert.equal(await list.refresh(await server()), true);
  assert.equal(list.count, 3);
  const found = await list.find(SERIALS[1]);
  assert.deepEqual([found.class_code, found.state, found.printed, found.unpaid, found.locale], ["trade", "active", true, false, "en"]);
  assert.equal(await list.find("ffffffffffffffff"), null);
  const again = await roster(list.db);
  assert.deepEqual([again.version, again.count], [5, 3]);
});

for (const [name, options, fault] of [
  ["of another key", { signer: other }, "signature"],
  ["with a changed field", { tamper: (m) => ({ ...m, count: 2 }) }, "signature"],
  ["of another show", { edition: 8 }, "show"],
  ["with a damaged part", { part: (bytes) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }, "hash"],
  ["with a part cut off", { part: (bytes) => bytes.slice(0, -2) }, "hash"],
]) {
  test(`a list ${name} is refused and the old one stays`, async () => {
    const list = await roster();
    await list.refresh(await server({ serials: SERIALS.slice(0, 1) }));
    const bad = await server({ version: 6, ...options });
    bad.changed = { ...bad.changed, full: true };
    await assert.rejects(list.refresh(bad), { fault });
    assert.deepEqual([list.version, list.count], [5, 1]);
    const again = await roster(list.db);
    assert.deepEqual([again.version, again.count], [5, 1]);
  });
}

test("a list that is older than ours is refused", async () => {
  const list = await roster();
  await list.refresh(await server({ version: 9 }));
  const old = await server({ version: 8 });
  await assert.rejects(list.refresh(old), { fault: "old" });
  old.changed = { ...old.changed, full: true };
  await assert.rejects(list.refresh(old), { fault: "old" });
  assert.equal(list.version, 9);
});

test("a pull that is cut off shows nothing and goes on where it was", async () => {
  const list = await roster();
  const cut = await server({ part: (bytes, url) => (url.endsWith("/2") ? null : bytes) });
  assert.equal(await list.refresh(cut), false);
  assert.equal(list.ready, false);
  const from = await server();
  assert.equal(await list.refresh(from), true);
  assert.deepEqual(from.asked, ["/api/gate/snapshot/5/2"]);
});

test("changes revoke a badge, and stay after a restart", async () => {
  const list = await roster();
  const from = await server();
  await list.refresh(from);
  from.changed = { ...from.changed, version: 6, rows: [await row(SERIALS[0], 3)] };
  await list.refresh(from);
  assert.equal((await list.find(SERIALS[0])).state, "revoked");
  assert.equal((await (await roster(list.db)).find(SERIALS[0])).state, "revoked");
});

test("a burnt key is burnt for good, and signs no list any more", async () => {
  const list = await roster();
  const from = await server();
  await list.refresh(from);
  from.changed = { ...from.changed, denied_kids: [1] };
  await list.refresh(from);
  assert.equal(list.keys[0].state, "compromised");
  from.changed = { ...from.changed, denied_kids: [], full: true };
  await assert.rejects(list.refresh(from), { fault: "signature" });
});

test("the age counts from the last word of the server, whatever the clock does", async () => {
  const list = await roster();
  await list.refresh(await server());
  const [now, tick] = [Date.now(), performance.now()];
  assert.ok(list.age(now + 60_000, tick) >= 59);
  assert.ok(list.age(now - 3_600_000, tick + 120_000) >= 119); // set back, but the page itself has run on
});
