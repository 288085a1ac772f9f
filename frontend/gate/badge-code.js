// The code on a badge, as expo_crm/onsite/domain/badge_code.py describes it: 24 bytes of payload and their signature, in
// base 32. Both sides read tests/onsite/vectors/badge_codes.json.
import { toHex, verifies } from "./crypto.js";

const VERSION = 1;
const DOMAIN = new TextEncoder().encode("expo-crm badge code v1\0");
const PAYLOAD_BYTES = 24;
const CODE_BYTES = PAYLOAD_BYTES + 64;
const CODE_CHARS = 141;
const OPAQUE_CHARS = 26;
const MAX_READ_CHARS = 512;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PURPOSES = { 1: "ticket", 2: "badge", 3: "lead" };
const DAY_MS = 86_400_000;
const EPOCH = Date.UTC(2020, 0, 1);
const ECI = /^\\0000(?:03|26)/;
const AIM = /^\][A-Z][0-9A-Z]/;
// eslint-disable-next-line no-control-regex
const NOISE = /[\s\x00-\x1f\x7f\x85\u200b-\u200f\u2060\ufeff]+/g;

/** What a scanner or a person typed, without its additions: AIM and ECI prefixes, line ends, full width, small letters. */
export function clean(text) {
  let cleaned = text.slice(0, MAX_READ_CHARS + 1).replace(NOISE, "").normalize("NFKC");
  cleaned = cleaned.replace(ECI, "").replace(AIM, "");
  return cleaned.replace(ECI, "").toUpperCase();
}

/**
 * Read any text; never throws. {payload, signed, signature} or {reason: "malformed" | "unknown"}: ours but damaged, or
 * something else. With `opaque` it may be a code that only the server can look up.
 */
export function parse(text) {
  if (!text || text.length > MAX_READ_CHARS) return { reason: "malformed" };
  const cleaned = clean(text);
  if (!/^[A-Z2-7]+$/.test(cleaned)) return { reason: cleaned ? "unknown" : "malformed" };
  if (cleaned.length === OPAQUE_CHARS && fromBase32(cleaned)) return { reason: "unknown", opaque: cleaned };
  if (cleaned.length !== CODE_CHARS) return { reason: "malformed" };
  const raw = fromBase32(cleaned);
  return raw ? unpack(raw) : { reason: "malformed" };
}

/** What is wrong with the signature of a code: "" | "unknown_key" | "bad_signature". `keys`: [{kid, public_hex}]. */
export async function fault(code, keys) {
  const fitting = keys.filter((key) => key.kid === code.payload.kid);
  if (!fitting.length) return "unknown_key";
  for (const key of fitting) if (await verifies(key.public_hex, code.signature, code.signed)) return "";
  return "bad_signature";
}

function fromBase32(text) {
  const raw = new Uint8Array(CODE_BYTES);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const sign of text) {
    held = (held << 5) | ALPHABET.indexOf(sign);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      raw[at] = held >> bits;
      at += 1;
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 ? raw : null; // the spare bit: were it ignored, two texts would mean one code
}

function unpack(raw) {
  const view = new DataView(raw.buffer);
  const purpose = PURPOSES[raw[2]];
  const [first, last] = [view.getUint16(19), view.getUint16(21)];
  if (raw[0] !== VERSION || !purpose || first > last || raw[23] === 0) return { reason: "malformed" };
  const signed = new Uint8Array(DOMAIN.length + PAYLOAD_BYTES);
  signed.set(DOMAIN);
  signed.set(raw.subarray(0, PAYLOAD_BYTES), DOMAIN.length);
  return {
    payload: {
      kid: raw[1],
      purpose,
      edition_id: view.getUint32(3),
      serial: toHex(raw.subarray(7, 15)),
      zone_bits: view.getUint16(15),
      class_bits: view.getUint16(17),
      valid_from: day(first),
      valid_to: day(last),
      generation: raw[23],
    },
    signed,
    signature: raw.subarray(PAYLOAD_BYTES),
  };
}

const day = (number) => new Date(EPOCH + number * DAY_MS).toISOString().slice(0, 10);
