// The server as a gate sees it: each call ends in time, and says apart what was decided, what was refused and what never
// arrived. Only JSON that answers our question counts: a hotel's sign-in page also comes with status 200.

const SCAN_MS = 1500;
const SLOW_MS = 8000;

/** {kind: "answer", body} | {kind: "refused", status, error, message} | {kind: "busy"} | {kind: "unreachable"}. */
async function call(path, { body, timeout = SLOW_MS } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    if (!(response.headers.get("Content-Type") ?? "").includes("json")) return { kind: "unreachable" };
    const answer = await response.json();
    if (response.ok) return { kind: "answer", body: answer };
    if (response.status === 429 || response.status >= 500) return { kind: "busy" };
    return { kind: "refused", status: response.status, error: answer.error ?? "", message: answer.message ?? "" };
  } catch {
    return { kind: "unreachable" };
  }
}

/** Send one reading. The same row may be sent again: the server knows it by its client_uuid. */
export async function sendScan(row) {
  const { client_uuid, code, direction, device_time, device_seq } = row;
  const result = await call("/api/gate/scan", {
    body: { client_uuid, code, direction, device_time, device_seq },
    timeout: SCAN_MS,
  });
  return result.kind === "answer" && result.body.client_uuid !== client_uuid ? { kind: "unreachable" } : result;
}

/** Send rows that this device decided itself; the answer has a receipt for each. */
export const sendScans = (rows) => call("/api/gate/scans", { body: { scans: rows } });

export const sendOverride = (body) => call("/api/gate/override", { body, timeout: SLOW_MS });
export const heartbeat = (body) => call("/api/gate/heartbeat", { body });
export const state = () => call("/api/gate/state");
export const chooseGate = (gateId) => call("/api/gate/choose", { body: { gate_id: gateId } });
