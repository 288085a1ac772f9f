// One reading from code to answer: what is shown is stored, and there is an answer in time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Checkpoint } from "../../frontend/gate/checkpoint.js";
import { FakeJournal } from "./support.js";

const HERE = { status: "admit", reason: "ok", here: true, direction: "entry" };

function gate({ send = async () => ({ kind: "unreachable" }), line = "online" } = {}) {
  const journal = new FakeJournal();
  const shown = [];
  const sent = [];
  const checkpoint = new Checkpoint({
    journal,
    boot: "b",
    judge: {
      decide: async (row) => ({ verdict: { status: "admit", reason: "ok" }, answer: { ...HERE, client_uuid: row.client_uuid }, fields: {}, presence: {} }),
      learn: async () => ({}),
    },
    server: {
      moment: () => ({ device_time: "2026-06-09T04:00:00Z" }),
      sendScan: (row) => {
        sent.push(row.client_uuid);
        return send(row);
      },
    },
    show: {
      working() {},
      answer: (row, answer) => shown.push({ ...answer, stored: journal.rows.get(row.client_uuid)?.decided }),
      cannotStore: () => shown.push({ status: "cannot store" }),
      stop: (error) => shown.push({ status: "stop", error }),
    },
  });
  checkpoint.line = line;
  return { checkpoint, journal, shown, sent };
}

const answers = async (row) => ({ kind: "answer", body: { client_uuid: row.client_uuid, status: "admit", reason: "ok", direction: "entry" } });

test("the server's answer is shown and the row goes", async () => {
  const { checkpoint, journal, shown } = gate({ send: answers });
  await checkpoint.read("A");
  assert.equal(shown[0].status, "admit");
  assert.equal(shown[0].here, undefined);
  assert.equal(journal.rows.size, 0);
});

test("a server that is slow is not waited for longer than a second and a half", async () => {
  const { checkpoint, journal, shown, sent } = gate({ send: (row) => new Promise((done) => setTimeout(() => done(answers(row)), 2500)) });
  const started = performance.now();
  await checkpoint.read("A");
  assert.ok(performance.now() - started < 1500);
  assert.equal(shown.length, 1);
  assert.equal(shown[0].here, true);
  assert.deepEqual(shown[0].stored, { status: "admit", reason: "ok" }); // stored before it was shown
  assert.deepEqual([...journal.rows.keys()], sent); // under the number that the server has seen
  await new Promise((done) => setTimeout(done, 1300));
  assert.equal(shown.length, 1); // the late answer changes nothing
});

test("a line that is down is not asked", async () => {
  const { checkpoint, sent, shown } = gate({ line: "offline" });
  await checkpoint.read("A");
  assert.deepEqual(sent, []);
  assert.equal(shown[0].here, true);
});

test("before anything was heard the server is asked, and its answer tells how the line is", async () => {
  const { checkpoint, sent, shown } = gate({ line: "unknown", send: answers });
  await checkpoint.read("A");
  assert.equal(sent.length, 1);
  assert.equal(shown[0].here, undefined);
  assert.equal(checkpoint.line, "online");
  const cut = gate({ line: "unknown" });
  await cut.checkpoint.read("A");
  assert.equal(cut.shown[0].here, true);
  assert.equal(cut.checkpoint.line, "offline");
});

test("what cannot be stored is never shown as admitted", async () => {
  for (const line of ["online", "offline"]) {
    const { checkpoint, journal, shown } = gate({ send: answers, line });
    journal.full = true;
    await checkpoint.read("A");
    assert.deepEqual(shown, [{ status: "cannot store" }]);
  }
});

test("a decision that cannot be stored is not shown either", async () => {
  const { checkpoint, journal, shown } = gate({
    send: async () => {
      journal.full = true;
      return { kind: "unreachable" };
    },
  });
  await checkpoint.read("A");
  assert.deepEqual(shown, [{ status: "cannot store" }]);
});

test("the same badge at once again is the same reading", async () => {
  const { checkpoint, journal, shown } = gate({ line: "offline" });
  await checkpoint.read("A");
  await checkpoint.read("A");
  await checkpoint.read("B");
  assert.equal(shown.length, 3);
  assert.equal(shown[1].repeat, true);
  assert.equal(journal.rows.size, 2);
});

test("a withdrawn device stops and keeps its rows", async () => {
  const { checkpoint, journal, shown } = gate({ send: async () => ({ kind: "refused", status: 401, error: "device_revoked" }) });
  await checkpoint.read("A");
  await checkpoint.read("B");
  assert.deepEqual(shown, [{ status: "stop", error: "device_revoked" }]);
  assert.deepEqual([...journal.rows.values()].map((row) => row.decided), [{ status: "deny", reason: "internal" }]);
});

test("a reading that was cut off counts as not admitted", async () => {
  const { checkpoint, journal } = gate();
  await journal.add({ client_uuid: "u", code: "A" });
  assert.equal(await checkpoint.recover(), 1);
  assert.deepEqual((await journal.batch(9))[0].decided, { status: "deny", reason: "internal" });
});
