"""The gate page on a slow phone: 50,000 badges in its store, no network, four times slower than this machine, in Chromium."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from expo_crm.db import db
from tests.bench import stage
from tests.bench.report import Line, say
from tests.bench.stage import Server, Stage
from tests.support.browsers import PHONE, Chromium

THROTTLE = 4
READ = """
async ([code, most]) => {
    const verdict = document.querySelector("[data-part=verdict]");
    const shown = () => !verdict.hidden && /verdict-(admit|attention|deny|ask)/.test(verdict.className);
    for (const until = performance.now() + most; shown() && performance.now() < until;) await new Promise((r) => setTimeout(r, 20));
    const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    for (const sign of code) press(sign);
    const start = performance.now();
    press("Enter");
    while (!shown()) {
        if (performance.now() - start > most) return {ms: null, kind: verdict.className};
        await new Promise((r) => { const c = new MessageChannel(); c.port1.onmessage = r; c.port2.postMessage(0); });
    }
    return {ms: performance.now() - start, kind: verdict.className, here: !document.querySelector("[data-part=here]").hidden};
}
"""


def run(on: Stage, app: Server, folder: Path, *, badges: int, scans: int) -> list[Line]:
    """``on`` holds an edition with so many printed badges."""
    made, size, parts, again = _snapshot(on, app)
    pairing = _pairing(on)
    codes = stage.codes(on, on.edition_id, scans)
    with sync_playwright() as playwright:
        browser = Chromium(playwright, folder).launch()
        try:
            context = browser.new_context(viewport=PHONE, base_url=f"http://127.0.0.1:{app.port}", locale="en-GB")  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(f"/gate/pair/{pairing}")
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
            begin = time.perf_counter()
            page.get_by_role("button", name="Pair this device").click()
            _ready(page, badges)
            loaded = time.perf_counter() - begin
            page.locator("[data-part=ready-start]").click()
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
            context.set_offline(True)
            page.wait_for_timeout(1000)
            times = _scan(page, codes)
        finally:
            browser.close()
    times.sort()
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    name = f"decided by a device without network, {badges:,} badges, {THROTTLE} × slower"
    taking = f"{parts} parts, made in {made:.1f} s, then {again:.2f} s"
    return [
        Line(name, f"p95 {p95:.0f} ms", f"p50 {p50:.0f} ms, slowest {times[-1]:.0f} ms", "", "≤ 200 ms"),
        Line("  list taken over by the device", f"{loaded:.1f} s", "from pairing to ready, at the same slowness", "", "≤ 20 s"),
        Line(f"list of {badges:,} badges, compressed", f"{size / 2**20:.2f} MB", taking, "", "≤ 4 MB"),
    ]


def _snapshot(on: Stage, app: Server) -> tuple[float, int, int, float]:
    """Seconds to make it the first time, bytes as sent, parts, seconds to take it when it is made."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=120)
    headers = {"Authorization": f"Bearer {on.tokens[0]}", "Accept-Encoding": "gzip"}

    def get(path: str) -> bytes:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {data[:200]!r}")
        return data

    begin = time.perf_counter()
    raw = get("/api/gate/snapshot")
    made = time.perf_counter() - begin
    manifest: dict[str, Any] = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    begin = time.perf_counter()
    size = len(raw) + sum(len(get(chunk["url"])) for chunk in manifest["chunks"])
    again = time.perf_counter() - begin
    connection.close()
    return made, size, len(manifest["chunks"]), again


def _pairing(on: Stage) -> str:
    from expo_crm.onsite.models import Gate
    from expo_crm.onsite.services import devices
    from expo_crm.shows.models import Edition

    with on.app.app_context():
        edition = db.session.get_one(Edition, on.edition_id)
        gate = db.session.query(Gate).filter_by(edition_id=edition.id).order_by(Gate.id).first()
        _device, pairing = devices.create_device(edition, gate, "Phone")
        db.session.commit()
        db.session.remove()
    return pairing


def _ready(page: Page, badges: int) -> None:
    """The readiness screen says that the list is here."""
    check = page.locator("[data-part=readiness] [data-check=list]")
    end = time.monotonic() + 120
    while True:
        text = (check.text_content() or "").replace(",", "")
        if str(badges) in text and check.get_attribute("data-state") == "ok":
            return
        if time.monotonic() > end:
            raise RuntimeError(f"the list did not arrive: {text.strip()}")
        page.wait_for_timeout(50)


def _scan(page: Page, codes: list[str]) -> list[float]:
    times = []
    for number, code in enumerate(codes):
        found = page.evaluate(READ, [code, 15_000])
        if found["ms"] is None or "admit" not in found["kind"] or not found["here"]:
            raise RuntimeError(f"reading {number + 1}: {found}")
        times.append(found["ms"])
        page.wait_for_timeout(100)
    say(f"{len(times)} readings on the device")
    return times[2:]  # the first ones warm up
