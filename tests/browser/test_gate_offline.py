"""A show day at a gate whose network dies: nothing is lost, nothing is counted twice, and what was doubtful is shown."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
import urllib.request
import uuid
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from expo_crm.lib import clock
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Badge, Scan
from expo_crm.onsite.services import badges, conflicts, devices, zones
from expo_crm.onsite.services.rebuild import rebuild
from tests.browser.test_gate import ANSWERS, sign_in
from tests.browser.test_gate import wedge as read
from tests.onsite.play import add_device, add_gate, register, stage
from tests.support.browsers import CameraPages

PEOPLE = 7


@pytest.fixture
def show(live_server) -> SimpleNamespace:
    """An edition that opens today, a gate with hard anti-passback, a second gate into the same zone, visitors with badges."""
    with live_server.database() as session:
        made = stage(session)
        zones.update_zone(zones.ensure_zone(made.edition.id, made.gate.zone), anti_passback="hard")
        today = clock.local_day(clock.now(), made.edition.timezone)
        made.edition.starts_on, made.edition.ends_on = today, today + dt.timedelta(days=2)
        for number, day in enumerate(made.edition.days):
            day.day, day.opens_at, day.closes_at = today + dt.timedelta(days=number), dt.time(0), dt.time(23, 59)
        codes = [made.code]
        for number in range(1, PEOPLE):
            badge = badges.issue_badge(register(session, made, f"访客{number}", "禾川泵业"))
            badge.printed_at = clock.now()
            session.flush()
            codes.append(badges.code_of(badge))
        _device, other = add_device(session, made, add_gate(session, made, "N2"))
        _device, link = devices.create_device(made.edition, made.gate, "iPad 7", "gate")
        session.commit()
        return SimpleNamespace(
            slug=made.edition.slug, edition=made.edition.id, device=_device.id, codes=codes, other=other, link=link
        )


def wedge(page: Page, code: str, kind: str, *, here: bool) -> None:
    """One visitor after the other: when the gate is ready for the next one, a hand scanner reads a badge."""
    expect(page.locator("[data-part=verdict]")).to_be_hidden()
    assert read(page, code, kind, here=here) < 2000


def by_camera(page: Page, camera_page: CameraPages, code: str, kind: str, *, here: bool) -> None:
    """The same with the camera, which is off before and after."""
    toggle = page.locator("[data-part=camera-toggle]")
    camera_page.hold_up(page, code)
    toggle.click()
    expect(page.locator("[data-part=verdict]")).to_have_class(re.compile(f"verdict-{kind}"), timeout=12_000)
    expect(page.locator("[data-part=here]")).to_be_visible(visible=here)
    toggle.click()


def waiting(page: Page, number: int) -> None:
    expect(page.locator("[data-part=line-text]")).to_have_text(
        f"No connection · {number} waiting" if number else "Online", timeout=20_000
    )


def uploaded(live_server, show: SimpleNamespace, number: int) -> list[Scan]:
    """All scans of the device once ``number`` of them are there."""
    query = select(Scan).where(Scan.device_id == show.device).order_by(Scan.device_seq)
    deadline = time.monotonic() + 15
    while True:
        with live_server.database() as session:
            found = list(session.scalars(query))
        if len(found) >= number or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def test_a_day_with_the_network_cut_the_server_killed_and_the_tab_closed(live_server, show, open_page, camera_page, watch, axe):
    watch.allow("net::ERR", "ERR_CONNECTION")
    a, b, c, d, e, f, g = show.codes
    enter(live_server, show.other, g)  # while this device is online it hears of the other doors
    page = camera_page([None, a, None], "en", seconds=3)
    page.context.add_init_script(ANSWERS)
    page.goto(f"/gate/pair/{show.link}")
    page.get_by_role("button", name="Pair this device").click()

    # Ready: the list, the rules and the page itself are here.
    checks = page.locator("[data-part=readiness]")
    for name in ("network", "camera", "storage", "list", "rules", "app", "clock", "scan"):
        expect(checks.locator(f"[data-check={name}]")).to_have_attribute("data-state", re.compile("ok|note"), timeout=15_000)
    expect(checks.locator("[data-check=list]")).to_contain_text(f"{PEOPLE} badges")
    axe(page)
    page.locator("[data-part=ready-start]").click()

    # Online: by camera and by hand scanner.
    expect(page.locator("[data-part=verdict]")).to_have_class(re.compile("verdict-admit"), timeout=12_000)
    page.locator("[data-part=camera-toggle]").click()
    wedge(page, b, "admit", here=False)

    # The network is cut, then the server is killed too.
    page.context.set_offline(True)
    by_camera(page, camera_page, c, "admit", here=True)
    axe(page)
    page.context.set_offline(False)
    live_server.stop()
    wedge(page, d, "admit", here=True)
    wedge(page, c, "deny", here=True)  # its own journal knows that this one is inside
    wedge(page, "NO-BADGE-OF-OURS", "deny", here=True)
    waiting(page, 4)

    # The tab is killed and opened again, with nobody to serve it.
    page.close()
    page = page.context.new_page()
    page.goto("/gate")
    expect(page.locator("[data-part=readiness]")).to_be_hidden()
    waiting(page, 4)
    by_camera(page, camera_page, e, "admit", here=True)
    wedge(page, d, "deny", here=True)
    waiting(page, 6)
    wedge(page, g, "warn", here=True)  # amber: it came in at another door
    expect(page.locator("[data-part=text]")).to_contain_text("Came in at another door at")
    waiting(page, 7)

    # The server comes back, and another gate admits one of them before this device has the network again.
    page.context.set_offline(True)
    live_server.start(1, False)
    enter(live_server, show.other, f)
    wedge(page, f, "admit", here=True)
    page.context.set_offline(False)
    waiting(page, 0)
    found = uploaded(live_server, show, 10)
    expect(page.locator("[data-notice=conflicts]")).to_contain_text("2 scans")
    axe(page)

    # Everything is there once, in order, as it was shown.
    assert [s.device_seq for s in found] == list(range(1, 11))
    assert [s.decided_by for s in found] == ["server"] * 2 + ["device"] * 8
    assert [s.decision in ADMITTED for s in found] == [True, True, True, True, False, False, True, False, True, True]
    with live_server.database() as session:
        open_ = conflicts.list_open(show.edition)
        by_serial = {badges.code_of(x): x.id for x in session.scalars(select(Badge).where(Badge.edition_id == show.edition))}
        assert {s.badge_id for s in open_} == {by_serial[f], by_serial[g]}
        admitted = session.scalar(
            select(func.count()).select_from(Scan).where(Scan.edition_id == show.edition, Scan.decision.in_(ADMITTED))
        )
        rebuilt = rebuild(show.edition)
        assert rebuilt.differences == 0, rebuilt
    assert admitted == PEOPLE + 2  # two of them at two doors

    staff = open_page("en")
    sign_in(staff, "gate@example.com")
    # The supervisor reads the conflict in the inbox: who, where, what both said, and where the badge came in first.
    staff.goto(f"/e/{show.slug}/inbox")
    conflict = staff.get_by_role("row").filter(has_text=f"访客{PEOPLE - 2}")
    for words in ("N1 · iPad 7", "Admitted", "This badge is already inside", "N2 · North gate"):
        expect(conflict).to_contain_text(words)
    expect(staff.get_by_role("row")).to_have_count(3)  # the head and both
    axe(staff)
    staff.goto(f"/e/{show.slug}/live")
    shown = {row[0]: [int(n) for n in row[1:4]] for row in staff.locator("#live-board").evaluate(BOARD)}
    assert shown == log_of(live_server, show) == {"N1 · North gate": [PEOPLE, 0, 3], "N2 · North gate": [2, 0, 0]}
    stats = staff.locator(".live-stats")
    for figure, words in ((PEOPLE, "Visitors, whole edition"), (PEOPLE + 2, "Entries, this day"), (PEOPLE, "Inside now")):
        expect(stats.locator(".stat").filter(has_text=words)).to_contain_text(str(figure))


# The lines of the gates as the page shows them.
BOARD = """(board) => [...board.querySelector("table").tBodies[0].rows]
    .map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"""


def log_of(live_server, show: SimpleNamespace) -> dict[str, list[int]]:
    """{gate: entries, exits, refused} counted from the rows of the log, one by one."""
    found: dict[str, list[int]] = {}
    with live_server.database() as session:
        for scan in session.scalars(select(Scan).where(Scan.edition_id == show.edition, Scan.decision != "void")):
            line = found.setdefault(f"{scan.gate.code} · {scan.gate.name_en}", [0, 0, 0])
            line[2 if scan.decision not in ADMITTED else scan.direction == "exit"] += 1
    return found


def enter(live_server, token: str, code: str) -> None:
    """The badge enters at another device, which is online."""
    body = json.dumps({"client_uuid": str(uuid.uuid4()), "code": code}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{live_server.url}/api/gate/scan", body, headers)) as answer:
        assert json.load(answer)["status"] in ADMITTED
