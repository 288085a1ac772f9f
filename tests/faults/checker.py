"""The proof: journals of the gates against the database.

I1  what a screen has shown is stored, with the same decision when the server had taken it
I2  one row per key; one presence row per badge, zone and day
I3  presence equals what the log says, by the rebuild of the product and by a naive count here
I7  (watched by the gates themselves) no 5xx but 503 with Retry-After, no stack trace, no hang
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.faults.gates import ADMITTED, Gate, total
from tests.faults.house import House


@dataclass
class Finding:
    """What the checker saw. All but ``attempts`` and ``stored`` must be zero or empty."""

    attempts: int = 0
    shown: int = 0
    stored: int = 0
    lost: int = 0
    double: int = 0
    unknown: int = 0  # rows that no gate has sent
    wrong: int = 0  # shown another decision than stored
    differences: int = 0  # presence against the log
    queued: int = 0  # never uploaded
    faults: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        bad = self.lost + self.double + self.unknown + self.wrong + self.differences + self.queued
        return bad == 0 and not self.faults

    def __str__(self) -> str:
        text = f"{self.shown:,} shown, {self.stored:,} stored, lost {self.lost}, double {self.double}"
        text += f", projection differs in {self.differences}"
        for name in ("unknown", "wrong", "queued"):
            if value := getattr(self, name):
                text += f", {name} {value}"
        return text + (f"; faults: {'; '.join(sorted(set(self.faults))[:3])}" if self.faults else "")


def check(house: House, gates: Iterable[Gate]) -> Finding:
    """Compare the journals of these gates, which must be all that used their devices, with the database."""
    gates = list(gates)
    found = Finding()
    placeholders = ",".join(["%s"] * len({g.device_id for g in gates}))
    rows = house.rows(
        f"SELECT device_id, client_uuid, decision, decided_by FROM scan WHERE device_id IN ({placeholders})",
        *sorted({g.device_id for g in gates}),
    )
    found.stored = len(rows)
    stored = {(device, key): (decision, by) for device, key, decision, by in rows}
    found.double = len(rows) - len(stored)
    attempted = set()
    for gate in gates:
        found.queued += len(gate.queue)
        journal = gate.journal.read()
        # The same badge again at once is answered by what was said before and not stored.
        repeats = {line["uuid"] for line in journal if line.get("repeat")}
        for line in journal:
            key = (gate.device_id, line["uuid"])
            if line["event"] == "attempt":
                attempted.add(key)
            elif line["event"] == "receipt" and key not in stored and line["uuid"] not in repeats:
                found.lost += 1
            elif line["event"] == "shown" and not line.get("repeat"):
                found.shown += 1
                if key not in stored:
                    found.lost += 1
                elif line["by"] == "server" and (stored[key][0] in ADMITTED) != (line["status"] in ADMITTED):
                    found.wrong += 1
    found.attempts = len(attempted)
    found.unknown = len(stored.keys() - attempted)
    found.faults = total(gates).faults
    found.double += house.rows(
        "SELECT count(*) FROM (SELECT 1 FROM presence GROUP BY badge_id, zone, local_day HAVING count(*) > 1) AS twice"
    )[0][0]
    found.differences = _rebuilt(house) + _counted(house)
    return found


def _rebuilt(house: House) -> int:
    """Rows of presence that the product's own rebuild would change."""
    from expo_crm.onsite.services import rebuild

    with house.work():
        return rebuild.rebuild(house.edition_id).differences


def _counted(house: House) -> int:
    """Entries and exits of presence against a plain count of the log, in the database's own words."""
    return int(
        house.rows(
            """
            SELECT count(*) FROM (
                SELECT badge_id, zone, local_day, sum(CASE WHEN direction = 'entry' THEN 1 ELSE 0 END) AS entries,
                    sum(CASE WHEN direction = 'exit' THEN 1 ELSE 0 END) AS exits
                FROM scan
                WHERE edition_id = %s AND badge_id IS NOT NULL AND decision IN ('admit', 'admit_attention') AND annuls_id IS NULL
                    AND id NOT IN (SELECT annuls_id FROM scan WHERE annuls_id IS NOT NULL)
                GROUP BY badge_id, zone, local_day
            ) AS log FULL JOIN (SELECT * FROM presence WHERE edition_id = %s) AS seen
                ON seen.badge_id = log.badge_id AND seen.zone = log.zone AND seen.local_day = log.local_day
            WHERE seen.id IS NULL OR log.badge_id IS NULL OR seen.entries <> log.entries OR seen.exits <> log.exits""",
            house.edition_id,
            house.edition_id,
        )[0][0]
    )
