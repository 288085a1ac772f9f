// The same vectors as tests/onsite/domain/test_badge_code.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clean, fault, parse } from "../../frontend/gate/badge-code.js";
import { byLibrary, fromHex, verifies } from "../../frontend/gate/crypto.js";

const vectors = JSON.parse(readFileSync(new URL("../onsite/vectors/badge_codes.json", import.meta.url)));
const keys = [{ kid: 1, public_hex: vectors.public_key, state: "active" }];

test("good codes are read and their signature holds", async () => {
  for (const { code, payload } of vectors.good) {
    const found = parse(code);
    assert.deepEqual(found.payload, payload);
    assert.equal(await fault(found, keys), "");
  }
});

test("what a reader adds is taken away", () => {
  for (const { read, code } of vectors.cleaned) {
    assert.equal(clean(read), code);
    assert.deepEqual(parse(read), parse(code));
  }
});

test("what is no code says why", () => {
  for (const { read, reason } of vectors.unreadable) assert.equal(parse(read).reason, reason, JSON.stringify(read));
});

test("an opaque code is left to the server", () => {
  for (const { read, opaque } of vectors.opaque) assert.deepEqual(parse(read), { reason: "unknown", opaque });
});

test("a signature of another key is bad, a key we do not hold unknown", async () => {
  for (const code of vectors.bad_signature) assert.equal(await fault(parse(code), keys), "bad_signature");
  const good = parse(vectors.good[0].code);
  assert.equal(await fault(good, []), "unknown_key");
  assert.equal(await fault(good, [{ ...keys[0], kid: 2 }]), "unknown_key");
});

test("every single bit of payload and signature counts", async () => {
  const good = parse(vectors.good[0].code);
  for (let bit = 0; bit < good.signature.length * 8; bit += 7) {
    const signature = Uint8Array.from(good.signature);
    signature[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(await verifies(vectors.public_key, signature, good.signed), false);
  }
  for (let bit = 0; bit < good.signed.length * 8; bit += 7) {
    const signed = Uint8Array.from(good.signed);
    signed[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(await verifies(vectors.public_key, good.signature, signed), false);
  }
});

test("without WebCrypto the library says the same", async () => {
  const good = parse(vectors.good[0].code);
  const other = parse(vectors.bad_signature[0]);
  const key = fromHex(vectors.public_key);
  assert.equal(await byLibrary(key, good.signature, good.signed), true);
  assert.equal(await byLibrary(key, other.signature, other.signed), false);
});
