"""F21–F23 at a gate: what people, browsers and networks do to it. Counted for docs/faults.md by their names."""

from __future__ import annotations

import json
import os
import time
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from expo_crm.onsite.models import Device, QuarantinedScan, Scan
from expo_crm.onsite.services import devices
from tests.browser.test_gate import ANSWERS, KEPT, as_device, cast, new_device, open_gate  # noqa: F401 - cast is a fixture
from tests.browser.test_gate import wedge as scan
from tests.support.databases import ROOT
from tests.support.tls import TlsFront

JUNK = "NO-BADGE-OF-OURS"
# `make faults` runs all of them, `make test` those that nothing else covers.
thorough = pytest.mark.skipif(os.environ.get("EXPO_TEST_FAULTS") != "all", reason="runs with make faults")


@pytest.fixture
def gate(live_server, cast, open_page, watch) -> SimpleNamespace:  # noqa: F811
    """A phone at a gate without anti-passback, ready, and its scans on the server."""
    watch.allow("net::ERR")
    page = open_page("en", phone=True)
    as_device(page, live_server, new_device(live_server, cast, anti_passback="off"))
    with live_server.database() as session:
        device = session.scalars(select(Device).order_by(Device.id.desc()).limit(1)).one().id
    open_gate(page)
    return SimpleNamespace(page=page, device=device, code=cast.code, server=live_server)


def arrived(gate: SimpleNamespace, number: int) -> list[Scan]:
    """The scans of the device once ``number`` are there; never more."""
    deadline = time.monotonic() + 20
    while True:
        with gate.server.database() as session:
            found = list(session.scalars(select(Scan).where(Scan.device_id == gate.device).order_by(Scan.device_seq)))
        if len(found) >= number or time.monotonic() > deadline:
            assert [s.device_seq for s in found] == sorted({s.device_seq for s in found})
            assert len(found) == number
            return found
        time.sleep(0.2)


def test_f21_tab_killed_before_the_answer(gate):
    page = gate.page
    page.route("**/api/gate/scan", lambda route: None)  # it never answers
    page.keyboard.type(gate.code)
    with page.expect_request("**/api/gate/scan"):
        page.keyboard.press("Enter")
    page.close()
    page = page.context.new_page()
    page.goto("/gate")
    expect(page.locator("[data-notice=interrupted]")).to_contain_text("1 scans were interrupted")
    scan(page, gate.code, "admit")
    cut, again = arrived(gate, 2)
    # Where the server got to decide all the same, its decision stands and the device's word is kept beside it.
    assert (cut.decision, cut.reason) == ("deny", "internal") or cut.device_verdict == "internal"
    # Within five seconds of a reading that did arrive this one is the same again.
    assert again.decided_by == "server" and again.decision in {"admit", "void"}


def test_f21_two_tabs_are_one_gate(gate):
    second = gate.page.context.new_page()
    second.goto("/gate")
    expect(second.locator("[data-part=verdict]")).to_contain_text("open in another tab")
    second.keyboard.type(gate.code)
    second.keyboard.press("Enter")
    gate.page.bring_to_front()
    scan(gate.page, JUNK, "deny")
    gate.page.close()
    expect(second.locator("[data-part=line-text]")).to_have_text("Online")
    scan(second, gate.code, "admit")
    arrived(gate, 2)


def test_f21_storage_full_is_red(gate):
    # Chromium lets small rows pass a quota that CDP sets, so the store itself refuses here.
    gate.page.evaluate(
        """() => {
            window.put = IDBObjectStore.prototype.put;
            IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
        }"""
    )
    scan(gate.page, gate.code, "deny")
    expect(gate.page.locator("[data-part=verdict]")).to_contain_text("Cannot store")
    gate.page.evaluate("() => { IDBObjectStore.prototype.put = window.put; }")
    scan(gate.page, gate.code, "admit")
    assert [s.decision for s in arrived(gate, 1)] == ["admit"]


@thorough
def test_f21_without_storage_there_is_no_gate(live_server, cast, open_page):  # noqa: F811
    page = open_page("en", phone=True)
    as_device(page, live_server, new_device(live_server, cast))
    page.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }")
    page.goto("/gate")
    expect(page.locator("[data-part=verdict]")).to_contain_text("Cannot store")


def test_f21_cleared_storage_is_noticed(gate):
    page = gate.page
    scan(page, gate.code, "admit")
    page.evaluate(KEPT)
    page.context.set_offline(True)
    for code in (JUNK, JUNK + "2"):
        scan(page, code, "deny", here=True)
    cleared = {"origin": gate.server.url, "storageTypes": "indexeddb"}
    page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", cleared)
    page.reload()
    page.context.set_offline(False)
    expect(page.locator("[data-notice=cleared]")).to_contain_text("was cleared", timeout=15_000)
    scan(page, gate.code, "admit")
    found = arrived(gate, 2)
    assert [s.device_seq for s in found] == [1, 4]
    page.evaluate("dispatchEvent(new Event('online'))")  # a heartbeat
    expect(page.locator("[data-notice=lost]")).to_contain_text("2 scans of this device never reached the server")


@thorough
def test_f21_network_flaps(gate):
    page = gate.page
    for number in range(8):
        page.context.set_offline(number % 2 == 0)
        scan(page, f"{JUNK}{number}")
    page.context.set_offline(False)
    expect(page.locator("[data-part=line-text]")).to_have_text("Online", timeout=20_000)
    assert [s.device_seq for s in arrived(gate, 8)] == list(range(1, 9))


def test_f21_a_new_version_waits_for_the_page_and_loses_nothing(gate, tmp_path):
    """The server comes back with another build of the worker while scans wait: nothing changes under the page, all arrive."""
    page = gate.page
    expect(page.locator("[data-part=verdict]")).to_be_hidden()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    gate.server.stop()
    page.evaluate(FILL, [page.evaluate("JSON.parse(document.getElementById('gate-config').textContent).pairing"), 500])
    scan(page, gate.code, "admit", here=True)
    expect(page.locator("[data-part=line-text]")).to_contain_text("501 waiting")
    (tmp_path / "sitecustomize.py").write_text(NEXT_RELEASE)
    gate.server.env["PYTHONPATH"] = f"{tmp_path}:{ROOT}"
    gate.server.start(1, False)
    page.context.set_offline(False)
    state = page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.getRegistration();
            await registration.update();
            while (registration.installing) await new Promise((done) => setTimeout(done, 50));
            return `${registration.waiting?.state} ${(await caches.keys()).length}`;
        }"""
    )
    assert state == "installed 2", state  # it waits, with a cache of its own
    expect(page.locator("[data-part=line-text]")).to_have_text("Online", timeout=20_000)
    arrived(gate, 501)
    old = page.locator('meta[name="device-build"]').get_attribute("content")
    page.reload()
    expect(page.locator('meta[name="device-build"]')).to_have_attribute("content", f"next-{old}")
    scan(page, JUNK, "deny")
    # The page of the new build lets its worker take over; the old files go.
    for _ in range(200):  # the browser starts the new worker when it finds the time
        if page.evaluate("caches.keys()") == [f"device-next-{old}"]:
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail(f"the worker of the new build did not take over: {page.evaluate(WORKERS)}")
    arrived(gate, 502)


WORKERS = """async () => {
    const { installing, waiting, active } = await navigator.serviceWorker.getRegistration();
    return JSON.stringify([installing?.state, waiting?.state, active?.state, await caches.keys()]);
}"""

# Python runs this as it starts: a release whose device pages are another build.
NEXT_RELEASE = """
from expo_crm.onsite.views import shell

build, script = shell._worker()
shell._worker = lambda: (f"next-{build}", script.replace(build, f"next-{build}"))
"""

FILL = """async ([pairing, count]) => {
    const db = await new Promise((done) => { const open = indexedDB.open(`gate-${pairing}`); open.onsuccess = () => done(open.result); });
    const work = db.transaction(["rows", "meta"], "readwrite");
    for (let seq = 1; seq <= count; seq += 1) {
        work.objectStore("rows").put({client_uuid: crypto.randomUUID(), code: `SIGN${seq}`, device_time: new Date().toISOString(),
            device_seq: seq, queued: seq, decided: {status: "deny", reason: "malformed"}});
    }
    work.objectStore("meta").put(count, "seq");
    await new Promise((done) => { work.oncomplete = done; });
    db.close();
}"""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("signed_by_another_key", "not genuine"),
        pytest.param("cut", "damaged", marks=thorough),
        pytest.param("old", "older than ours", marks=thorough),
    ],
)
def test_f22_list(gate, kind, words):
    """The old list stays in use, and the screen says so loudly."""
    page = gate.page

    def changes(route: Route) -> None:
        body = route.fetch().json()
        body |= {"version": body["version"] - 1} if kind == "old" else {"full": True}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    def manifest(route: Route) -> None:
        body = route.fetch().json()
        body |= {"count": 10**6} if kind == "signed_by_another_key" else {}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    def beat(route: Route) -> None:
        body = route.fetch().json()
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body | {"snapshot_version": 10**6}))

    page.route("**/api/gate/changes?**", changes)
    page.route("**/api/gate/snapshot", manifest)
    page.route("**/api/gate/heartbeat", beat)
    page.route("**/api/gate/snapshot/*/*", lambda route: route.fulfill(status=200, content_type="application/json", body="[["))
    if kind == "cut":
        page.evaluate(DROP_PARTS, page.evaluate("JSON.parse(document.getElementById('gate-config').textContent).pairing"))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-notice=list]")).to_contain_text(words)
    expect(page.locator("[data-notice=list]")).to_have_attribute("data-tone", "alarm")
    page.context.set_offline(True)
    scan(page, gate.code, "admit", here=True)


# So that the parts are asked for again: a part that is here and whole is not fetched twice.
DROP_PARTS = """(pairing) => new Promise((done) => {
    const open = indexedDB.open(`badges-${pairing}`);
    open.onsuccess = () => {
        const work = open.result.transaction("parts", "readwrite");
        work.objectStore("parts").clear();
        work.oncomplete = () => { open.result.close(); done(); };
    };
})"""


def test_a_withdrawn_device_hands_over_what_it_holds_and_forgets_the_badges(gate):
    page = gate.page
    page.context.set_offline(True)
    scan(page, gate.code, "admit", here=True)
    scan(page, JUNK, "deny", here=True)
    with gate.server.database() as session:
        devices.revoke(session.get(Device, gate.device))
    page.context.set_offline(False)
    verdict = page.locator("[data-part=verdict]")
    expect(verdict).to_contain_text("This device was withdrawn", timeout=15_000)
    expect(verdict).to_contain_text("Everything was handed over", timeout=15_000)
    with gate.server.database() as session:
        assert session.query(Scan).where(Scan.device_id == gate.device).count() == 0
        held = session.scalars(select(QuarantinedScan).where(QuarantinedScan.device_id == gate.device)).all()
        assert len(held) == 2
    left = page.evaluate(LEFT)
    assert left == {"badges": 0, "gate": 0, "pages": 0}, left
    page.goto("/gate")
    expect(page.get_by_text("Ask the gate supervisor to pair it again")).to_be_visible()
    with gate.server.database() as session:
        session.get(Device, gate.device).wipe = True
    page.goto("/gate")
    expect(page.get_by_text("Everything was handed over")).to_be_visible()
    assert page.evaluate("async () => (await indexedDB.databases()).map((one) => one.name)") == []
    assert page.evaluate("Object.keys(localStorage).filter((key) => /[0-9]/.test(key))") == []


def test_a_device_that_is_to_be_wiped_hands_over_and_keeps_nothing(gate):
    """The word to wipe comes beside the server's refusal, while the gate is open."""
    page = gate.page
    page.context.set_offline(True)
    scan(page, gate.code, "admit", here=True)
    with gate.server.database() as session:
        devices.revoke(session.get(Device, gate.device), wipe=True)
    page.context.set_offline(False)
    expect(page.locator("[data-part=verdict]")).to_contain_text("Everything was handed over", timeout=15_000)
    assert page.evaluate("async () => (await indexedDB.databases()).map((one) => one.name)") == []
    with gate.server.database() as session:
        assert session.query(QuarantinedScan).where(QuarantinedScan.device_id == gate.device).count() == 1


# What is left on the device: parts of the list, rows of the journal, kept pages.
LEFT = """async () => {
    const found = {};
    for (const { name } of await indexedDB.databases()) {
        const db = await new Promise((done) => { const open = indexedDB.open(name); open.onsuccess = () => done(open.result); });
        const store = db.objectStoreNames.contains("rows") ? "rows" : "parts";
        found[name.split("-")[0]] = await new Promise((done) => {
            const count = db.transaction(store).objectStore(store).count();
            count.onsuccess = () => done(count.result);
        });
        db.close();
    }
    found.pages = (await caches.match("/gate")) ? 1 : 0;
    return found;
}"""


@pytest.fixture
def browser_with(chromium, watch):
    """A page of a browser of its own, with these flags."""
    opened = []

    def open_one(*flags: str, **options: object) -> Page:
        opened.append(chromium.launch(*flags))
        context = opened[-1].new_context(locale="en-GB", **options)
        watch.on(context)
        return context.new_page()

    yield open_one
    for browser in opened:
        browser.close()


@thorough
def test_f23_expired_certificate(live_server, cast, browser_with, watch, tmp_path):  # noqa: F811
    """The certificate of the server runs out at noon: the gate goes on alone, keeps what it decides and opens again."""
    watch.allow("net::ERR", "ERR_CERT")
    port = int(live_server.url.rpartition(":")[2])
    token = new_device(live_server, cast, anti_passback="off")
    with live_server.database() as session:
        device = session.scalars(select(Device).order_by(Device.id.desc()).limit(1)).one().id
    with TlsFront(port, tmp_path) as front:
        page = browser_with(front.flag, base_url=f"https://127.0.0.1:{front.port}")
        cookie = {"name": "expo_device", "value": token, "url": f"https://127.0.0.1:{front.port}"}
        page.context.add_cookies([cookie])
        page.context.add_init_script(ANSWERS)
        open_gate(page)
        scan(page, cast.code, "admit")
        page.evaluate(KEPT)
        front.expire()
        scan(page, JUNK, "deny", here=True)
        expect(page.locator("[data-notice=line]")).to_contain_text("this device decides by itself · The network is there")
        page.reload()
        scan(page, cast.code, "admit", here=True)
        expect(page.locator("[data-part=line-text]")).to_have_text("No connection · 2 waiting")
        front.renew()
        expect(page.locator("[data-part=line-text]")).to_have_text("Online", timeout=20_000)
    gate = SimpleNamespace(server=live_server, device=device)
    assert [s.device_seq for s in arrived(gate, 3)] == [1, 2, 3]


def test_f23_slow_answer_decided_here(gate):
    page = gate.page
    held = []
    page.route("**/api/gate/scan", lambda route: held.append(route))
    assert scan(page, gate.code, "admit", here=True) < 1500
    for route in held:
        route.continue_()
    expect(page.locator("[data-part=line-text]")).to_have_text("Online", timeout=20_000)
    arrived(gate, 1)
