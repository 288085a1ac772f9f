// Codes that are no badges: the alarm of the device itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ForeignCodes } from "../../frontend/gate/foreign.js";

test("more than thirty in a minute, and for five minutes", () => {
  const slow = new ForeignCodes();
  for (let n = 0; n < 60; n += 1) slow.note("unknown", n * 2000);
  assert.equal(slow.many(120_000), false);
  const codes = new ForeignCodes();
  for (let n = 0; n < 100; n += 1) codes.note("already_in", n);
  for (let n = 0; n < 30; n += 1) codes.note("bad_signature", n * 1000);
  assert.equal(codes.many(30_000), false);
  codes.note("malformed", 31_000);
  assert.equal(codes.many(31_000), true);
  assert.equal(codes.many(300_000), true);
  assert.equal(codes.many(400_000), false);
});
