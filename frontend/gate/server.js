// The server as a device sees it: each call ends in time, and says apart what was decided, what was refused and what never
// arrived. Only JSON that answers our question counts: a hotel's sign-in page also comes with status 200.

const SCAN_MS = 1300; // of the 1.5 s in which a scan is answered, one way or the other
const SLOW_MS = 8000;
const BATCH_MS = 30_000;

/**
 * {kind: "answer", body} | {kind: "refused", status, error, message} | {kind: "busy"} | {kind: "unreachable"}.
 * `path` is one of our own; a `body` makes it a POST. `wipe`: this device was withdrawn and shall keep nothing.
 */
export async function call(path, { body, timeout = SLOW_MS, signal, headers = {} } = {}) {
  try {
    const ends = AbortSignal.timeout(timeout);
    const response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: signal && AbortSignal.any ? AbortSignal.any([signal, ends]) : ends,
    });
    if (response.status === 304) return { kind: "unchanged" };
    if (!(response.headers.get("Content-Type") ?? "").includes("json")) return { kind: "unreachable" };
    const answer = await response.json();
    const wipe = response.headers.get("X-Expo-Wipe") === "1";
    if (response.ok) return { kind: "answer", body: answer, etag: response.headers.get("ETag"), wipe };
    if (response.status === 429 || response.status >= 500) return { kind: "busy" };
    return { kind: "refused", status: response.status, error: answer.error ?? "", message: answer.message ?? "", wipe };
  } catch {
    return { kind: "unreachable" };
  }
}

/** Send one reading. The same row may be sent again: the server knows it by its client_uuid. */
export async function sendScan(row, { timeout = SCAN_MS } = {}) {
  const { client_uuid, code, direction, device_time, device_seq } = row;
  const result = await call("/api/gate/scan", { body: { client_uuid, code, direction, device_time, device_seq }, timeout });
  return result.kind === "answer" && result.body.client_uuid !== client_uuid ? { kind: "unreachable" } : result;
}

/** Send rows that this device decided itself; the answer has a receipt for each. */
export const sendScans = (rows, boot) =>
  call("/api/gate/scans", { body: { scans: rows, ...moment(boot) }, timeout: BATCH_MS });

/** The time as this device sees it, in both of its clocks: the second one cannot be set. */
export const moment = (boot) => ({ device_time: new Date().toISOString(), boot_id: boot, mono_ms: Math.round(performance.now()) });

export const sendOverride = (body) => call("/api/gate/override", { body });
export const sendAnnul = (body) => call("/api/gate/annul", { body });
export const heartbeat = (body) => call("/api/gate/heartbeat", { body });
export const state = () => call("/api/gate/state");
export const rules = (etag) => call("/api/gate/rules", { headers: etag ? { "If-None-Match": etag } : {} });
export const snapshot = () => call("/api/gate/snapshot", { timeout: 20_000 });
export const changes = (since, lineage) => call(`/api/gate/changes?since=${since}&lineage=${encodeURIComponent(lineage)}`, { timeout: 20_000 });
export const presence = (since, after) => call(`/api/gate/presence?since=${since}&after=${after}`, { timeout: 20_000 });
export const chooseGate = (gateId) => call("/api/gate/choose", { body: { gate_id: gateId } });

/** The bytes of one part of a snapshot; null when they did not come. */
export async function part(url) {
  try {
    const response = await fetch(url, { credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(30_000) });
    return response.ok ? await response.arrayBuffer() : null;
  } catch {
    return null;
  }
}
