// The same vectors as tests/onsite/domain/test_admission.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decide } from "../../frontend/gate/decide.js";

const read = JSON.parse(readFileSync(new URL("../onsite/vectors/admission.json", import.meta.url)));
const vectors = Array.isArray(read) ? read : read.cases;

for (const { name, facts, rules, now, status, reason } of vectors) {
  test(name, () => assert.deepEqual(decide(facts, rules, now), { status, reason }));
}
