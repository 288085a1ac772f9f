// The end of a pairing. A withdrawn device hands over what it still holds (the server puts it aside for the supervisor),
// then forgets the badges; when it is to be wiped, everything. And the beginning of the next: what an earlier pairing of the same device left behind is
// uploaded by the new one.
import { deleteDB } from "idb";
import { forgetPage } from "./install.js";
import { openJournal } from "./journal.js";
import { plain, Uploader } from "./upload.js";

const AGAIN_MS = 5000;

/**
 * Hand over and forget; yields the number of scans that wait still, at last 0. Of a device that the server does not know
 * any more the scans stay here, for the next pairing. `wipe`, or the server's word beside a receipt: nothing at all stays.
 */
export async function* leave({ journal, roster, server, boot, known, wipe = false }) {
  await roster.wipe().catch(() => {});
  forgetPage();
  if (!known) return;
  const uploader = new Uploader(journal, async (items) => {
    const result = await server.sendScans(items, boot);
    wipe ||= result.wipe === true;
    return result;
  });
  for (;;) {
    const left = await journal.count();
    if (!left && wipe) {
      await roster.erase();
      await journal.erase();
    }
    yield left;
    if (!left && wipe) return;
    if (!left) break;
    const result = await uploader.run().catch(() => ({ kind: "unreachable" }));
    if (result) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  await journal.keepPresence([]).catch(() => {});
  await journal.hear([], { first: true }).catch(() => {});
}

/** Upload what earlier pairings of this device have left, and delete their stores when they are empty. */
export async function adopt(pairing, server, boot) {
  const device = pairing.split("-")[0];
  const all = (await indexedDB.databases?.().catch(() => [])) ?? [];
  for (const { name } of all) {
    const [kind, id, when] = name.split("-");
    if (id !== device || `${id}-${when}` === pairing) continue;
    if (kind === "badges") await deleteDB(name);
    if (kind !== "gate") continue;
    const journal = await openJournal(`${id}-${when}`);
    for (const row of await journal.undecided()) await journal.decide(row.client_uuid, { status: "deny", reason: "internal" });
    // Their numbers belong to the earlier pairing and would look like gaps or doubles in this one.
    const uploader = new Uploader(journal, (items) => server.sendScans(items, boot), { item: (row) => ({ ...plain(row), device_seq: undefined }) });
    await uploader.run().catch(() => {});
    const left = await journal.count();
    (await journal.open()).close();
    if (!left) await deleteDB(name);
  }
}
