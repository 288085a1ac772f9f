// SHA-256 and Ed25519: by WebCrypto where the browser has it, else by a small library. Pages without a secure connection
// have no WebCrypto at all, and phones of a few years ago no Ed25519 in it.
let native; // Promise of whether WebCrypto knows Ed25519
const imported = new Map(); // public key, hex → CryptoKey

/** The bytes of a hex string; null when it is none. */
export function fromHex(hex) {
  if (typeof hex !== "string" || !/^(?:[0-9a-f]{2})*$/i.test(hex)) return null;
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const toHex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** SHA-256 of bytes or text, in hex. */
export async function sha256(data) {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  if (globalThis.crypto?.subtle) return toHex(await crypto.subtle.digest("SHA-256", bytes));
  const { sha256: digest } = await import("@noble/hashes/sha2.js");
  return toHex(digest(new Uint8Array(bytes)));
}

/** Does `signature` (64 bytes) of `message` fit this public key (hex)? Never rejects. */
export async function verifies(publicHex, signature, message) {
  const key = fromHex(publicHex);
  if (key?.length !== 32 || signature?.length !== 64) return false;
  native ??= knowsEd25519();
  try {
    if (await native) {
      if (!imported.has(publicHex)) imported.set(publicHex, await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]));
      return await crypto.subtle.verify("Ed25519", imported.get(publicHex), signature, message);
    }
    return await byLibrary(key, signature, message);
  } catch {
    return false;
  }
}

/** The same without WebCrypto. */
export async function byLibrary(key, signature, message) {
  const [ed, { sha512 }] = await Promise.all([import("@noble/ed25519"), import("@noble/hashes/sha2.js")]);
  ed.hashes.sha512 = sha512;
  return ed.verify(signature, message, key, { zip215: false });
}

async function knowsEd25519() {
  try {
    // The public key of the first test vector of RFC 8032.
    const key = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}
