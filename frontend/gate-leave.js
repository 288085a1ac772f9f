// The page that a withdrawn device is shown: it hands over the scans that this device still holds and forgets the badges.
import { newUuid, openJournal } from "./gate/journal.js";
import { leave } from "./gate/leave.js";
import { openRoster } from "./gate/roster.js";
import * as server from "./gate/server.js";

const { pairing, wipe } = JSON.parse(document.getElementById("leave-config").textContent);
const state = document.getElementById("leave-state");

async function begin() {
  const journal = await openJournal(pairing);
  const roster = await openRoster(pairing, { keys: [], edition: null });
  if (!(await journal.count()) && !roster.ready && !wipe) return;
  for await (const left of leave({ journal, roster, server, boot: newUuid(), known: true, wipe })) {
    state.textContent = left ? state.dataset.left.replace("{n}", left) : state.dataset.done;
    state.hidden = false;
  }
}

begin();
