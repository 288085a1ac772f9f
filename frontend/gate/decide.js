// May this badge pass? The same decision as expo_crm/onsite/domain/admission.py, from the same vectors
// (tests/onsite/vectors/admission.json): facts and rules have the names and forms of that file. The first check that fails
// gives the reason; a doubt that does not refuse turns the admission amber.

const EARLY_MINUTES = 60; // a gate opens this long before the hall does
const NOWHERE = { entries: 0, inside: false, first_entry_at: null, last_at: null };

const admit = (reason) => ({ status: "admit", reason });
const attention = (reason) => ({ status: "admit_attention", reason });
const deny = (reason) => ({ status: "deny", reason });

/** {status, reason} of one reading at `now` (ms or ISO time). */
export function decide(facts, rules, now) {
  facts = { ...facts, presence: { ...NOWHERE, ...facts.presence }, elsewhere: { ...NOWHERE, ...facts.elsewhere } };
  const before = decideBadge(facts, rules, now);
  if (before.status === "deny" || before.status === "need_input") return before;
  if (rules.direction === "exit") return leave(facts, rules, before);
  let again = passback(facts.presence, rules.anti_passback, rules.cooldown_minutes, now);
  if (again?.reason === "cooldown" && facts.clock_suspect) again = attention("cooldown");
  const found = [before, again ?? fromElsewhere(facts, rules, now), capacity(facts, rules)];
  for (const status of ["deny", "admit_attention"]) {
    const first = found.find((one) => one?.status === status);
    if (first) return first;
  }
  return admit(facts.presence.entries || facts.elsewhere.entries ? "ok_reentry" : "ok");
}

/** Everything that does not depend on where the badge is. */
function decideBadge(facts, rules, now) {
  const reason = codeFault(facts, rules) || badgeFault(facts, rules) || registrationFault(facts);
  if (reason) return deny(reason);
  const doubt = unproven(facts, rules) ? "stale_snapshot" : "";
  if (rules.direction === "exit") return doubt ? attention(doubt) : admit("ok");
  for (const allowed of [rules.classes ?? [], rules.zone_classes ?? []]) {
    if (allowed.length && !allowed.includes(facts.badge_class)) return deny("wrong_zone");
  }
  const late = timeFault(facts, rules, now);
  if (late && !facts.clock_suspect) return deny(late);
  if (facts.needs_input) return { status: "need_input", reason: "need_input" };
  return doubt || late ? attention(doubt || late) : admit("ok");
}

/** What the zone's rule says to a badge that comes (again); null: nothing. */
function passback(seen, rule, cooldownMinutes, now) {
  if (rule === "once") return seen.entries ? deny("already_used") : null;
  if (rule === "timed") {
    const waits = seen.last_at !== null && seen.entries > 0 && time(now) - time(seen.last_at) < cooldownMinutes * 60_000;
    return waits ? deny("cooldown") : null;
  }
  if (!seen.inside || rule === "off") return null;
  return rule === "hard" ? deny("already_in") : attention("already_in");
}

/** Without network nobody can say whether this code still holds: it is newer than the list, or its key is burnt. */
const unproven = (facts, rules) => Boolean(rules.offline && (!facts.known || facts.compromised || newerPrint(facts)));

const newerPrint = (facts) => facts.purpose === "badge" && facts.generation > facts.current_generation;

function codeFault(facts, rules) {
  if (facts.device_allowed === false) return "device_not_allowed";
  if (facts.fault) return facts.fault;
  if (!facts.same_edition) return "wrong_show";
  if (!facts.known && !rules.offline) return "unknown";
  if (facts.purpose === "lead" || (facts.purpose === "ticket" && facts.badge_printed)) return "wrong_purpose";
  const old = facts.list_age_minutes > rules.stale_hours * 60;
  return rules.offline && rules.restricted && (old || unproven(facts, rules)) ? "stale_snapshot" : "";
}

function badgeFault(facts, rules) {
  if (["revoked", "replaced", "blocked"].includes(facts.badge_state)) return facts.badge_state;
  // A ticket is swapped for the badge, so it carries no print of its own that could be outdated.
  if (facts.purpose !== "badge" || !facts.known || facts.generation === facts.current_generation) return "";
  return rules.offline && newerPrint(facts) ? "" : "replaced";
}

function registrationFault(facts) {
  if (["cancelled", "rejected"].includes(facts.registration_state)) return "cancelled";
  if (!["approved", ""].includes(facts.registration_state)) return "pending_approval";
  return facts.unpaid ? "unpaid" : "";
}

function timeFault(facts, rules, now) {
  if (rules.any_time) return "";
  const here = localTime(now, rules);
  const today = (rules.days ?? []).find((one) => one.day === here.day) ?? null;
  const all = rules.windows ?? [];
  const own = all.filter((one) => one.class_code === facts.badge_class);
  const windows = own.length ? own : all.filter((one) => !one.class_code);
  if (windows.length) return windowFault(windows, today, rules, here);
  if (today === null) return dayFault(rules.first_day, rules.last_day, here.day);
  if (!rules.timed_classes.includes(facts.badge_class)) return "";
  if (here.minutes < minutes(today.opens_at) - EARLY_MINUTES) return "not_yet_valid";
  return here.minutes >= minutes(today.closes_at) ? "expired" : "";
}

function dayFault(first, last, day) {
  if (day < first) return "not_yet_valid";
  return day > last ? "expired" : "wrong_day";
}

function windowFault(windows, today, rules, here) {
  const now = windows.filter((one) => one.day === here.day || (one.day === null && today !== null));
  if (!now.length) {
    const dated = windows.map((one) => one.day).filter((one) => one !== null);
    return dayFault([rules.first_day, ...dated].sort()[0], [rules.last_day, ...dated].sort().at(-1), here.day);
  }
  const opens = (one) => minutes(one.opens_at);
  const closes = (one) => minutes(one.closes_at);
  if (now.some((one) => opens(one) <= here.minutes && (here.minutes < closes(one) || closes(one) <= opens(one)))) return "";
  return now.some((one) => here.minutes < opens(one)) ? "not_yet_valid" : "expired";
}

function leave(facts, rules, before) {
  if (before.status === "admit_attention") return before;
  // A device without network has not seen who came in elsewhere, so it says nothing about it.
  return facts.presence.inside || facts.elsewhere.inside || rules.offline ? admit("ok") : attention("exit_without_entry");
}

/** What other doors have seen warns and never refuses: the device cannot know what happened there since. */
function fromElsewhere(facts, rules, now) {
  const own = facts.presence;
  let other = facts.elsewhere;
  const leftSince = other.last_at !== null && own.last_at !== null && time(own.last_at) >= time(other.last_at) && !own.inside;
  if (leftSince) other = { ...other, inside: false };
  const found = passback(other, rules.anti_passback, rules.cooldown_minutes, now);
  return found && attention(found.reason);
}

function capacity(facts, rules) {
  if (rules.capacity === null || facts.presence.inside || facts.inside_zone < rules.capacity) return null;
  // Without network the number inside is only what was heard last.
  return !rules.offline || rules.restricted ? deny("capacity_full") : attention("capacity_full");
}

const time = (at) => (typeof at === "number" ? at : Date.parse(at));

/** Minutes since midnight of "09:00" or "09:00:30", with their fraction. */
function minutes(clock) {
  const [hours, mins, seconds = 0] = clock.split(":").map(Number);
  return hours * 60 + mins + seconds / 60;
}

const formats = new Map();

/** {day: "2026-06-09", minutes: since midnight} of an instant at the venue: by the offsets that the rules bring, else by the browser's. */
export function localTime(at, { zone, utc_offsets: offsets = [] }) {
  const moment = time(at);
  if (offsets.length) {
    const [, shift] = offsets.findLast(([from]) => Date.parse(from) <= moment) ?? offsets[0];
    const here = new Date(moment + shift * 60_000);
    return { day: here.toISOString().slice(0, 10), minutes: (here.getTime() % 86_400_000) / 60_000 };
  }
  if (!formats.has(zone)) {
    const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    formats.set(zone, new Intl.DateTimeFormat("en-US", options));
  }
  const parts = Object.fromEntries(formats.get(zone).formatToParts(moment).map((one) => [one.type, one.value]));
  const milliseconds = ((moment % 1000) + 1000) % 1000;
  return {
    day: `${parts.year}-${parts.month}-${parts.day}`,
    minutes: Number(parts.hour) * 60 + Number(parts.minute) + (Number(parts.second) + milliseconds / 1000) / 60,
  };
}
