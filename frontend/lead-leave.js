// The page that a withdrawn lead device is shown: it hands over the readings and notes that it still holds.
import { Store } from "./lead/store.js";
import { Sync } from "./lead/sync.js";

const { pairing, wipe, texts } = JSON.parse(document.getElementById("leave-config").textContent);
const state = document.getElementById("leave-state");

async function begin() {
  const store = await Store.open(pairing);
  if (!(await store.count()) && !wipe) return;
  const nothing = () => {};
  const sync = new Sync(store, { lead: nothing, refused: nothing, line: nothing, stopped: nothing });
  for await (const left of sync.handOver({ wipe })) {
    state.textContent = left ? texts.handing.replace("{n}", left) : texts.handed;
    state.hidden = false;
  }
}

begin();
