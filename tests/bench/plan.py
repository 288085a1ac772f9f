"""The plan of a large hall in Chromium: from the start of the navigation until it answers, and the frames while it moves."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.bench.report import Line, say
from tests.support.browsers import DESKTOP, Chromium
from tests.support.cast import PASSWORD

SLOWER = 4
# Press a button of the plan; answered when the drawing has moved and that picture is on the screen.
USE = """
() => new Promise((answer) => {
    const world = document.querySelector("[data-world]");
    const before = world.getAttribute("transform");
    document.querySelector("[data-plan-zoom=in]").click();
    const look = () => {
        if (world.getAttribute("transform") === before) requestAnimationFrame(look);
        else requestAnimationFrame(() => setTimeout(() => answer(performance.now())));
    };
    look();
})
"""
WATCH = """
() => {
    window.benchFrames = [];
    let last = performance.now();
    const next = (now) => { window.benchFrames.push(now - last); last = now; requestAnimationFrame(next); };
    requestAnimationFrame(next);
}
"""


def run(port: int, folder: Path, cases: dict[str, str], *, rounds: int) -> list[Line]:
    """``cases``: what it is → the address of a page with a plan. The first one is moved about as well."""
    out = []
    with sync_playwright() as playwright:
        browser = Chromium(playwright, folder).launch()
        try:
            context = browser.new_context(viewport=DESKTOP, base_url=f"http://127.0.0.1:{port}", locale="zh-CN")  # type: ignore[arg-type]
            page = context.new_page()
            _sign_in(page)
            session = context.new_cdp_session(page)
            for name, address in cases.items():
                say(f"{name}, in the browser")
                usual, slow = (_open(page, session, address, rate, rounds) for rate in (1, SLOWER))
                out.append(
                    Line(
                        f"{name} in Chromium, from its address to the first answer", f"{median(usual):.0f} ms, slowest {usual[-1]:.0f} ms",
                        f"{SLOWER} × slower: {median(slow):.0f} ms", "", "≤ 1,000 ms",
                    )
                )  # fmt: skip
            page.goto(next(iter(cases.values())))
            usual, slow = (_move(page, session, rate) for rate in (1, SLOWER))
            out.append(
                Line(
                    "  frames while it is moved and zoomed", f"median {median(usual):.0f} ms, longest {usual[-1]:.0f} ms",
                    f"{SLOWER} × slower: median {median(slow):.0f} ms, longest {slow[-1]:.0f} ms", "", "≤ 50 ms",
                )
            )  # fmt: skip
        finally:
            browser.close()
    return out


def _sign_in(page: Page) -> None:
    page.goto("/sign-in?lang=zh")
    page.fill("[name=email]", "admin@example.com")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


def _open(page: Page, session: CDPSession, address: str, rate: int, rounds: int) -> list[float]:
    """Milliseconds since the navigation started, sorted. Scripts, styles and fonts are in the cache, the page is not."""
    times: list[float] = []
    for number in range(rounds + 1):
        page.goto("about:blank")
        session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
        page.goto(address)
        found: Any = page.evaluate(USE)
        if number:
            times.append(found)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return sorted(times)


def _move(page: Page, session: CDPSession, rate: int) -> list[float]:
    """Milliseconds of each frame, sorted: three times pulled to and fro and zoomed in with the wheel, then back to the whole."""
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    box = page.locator(".plan").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.wait_for_timeout(500)
    page.evaluate(WATCH)
    for _ in range(3):
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(60):
            page.mouse.move(x + (step % 30) * (6 if step < 30 else -6), y + step % 20 * 4)
            page.wait_for_timeout(8)
        page.mouse.up()
        page.wait_for_timeout(400)
        page.mouse.move(x, y)
        for _step in range(8):
            page.mouse.wheel(0, -60)
            page.wait_for_timeout(16)
        page.wait_for_timeout(600)
    page.locator("[data-plan-zoom=all]").click()
    page.wait_for_timeout(400)
    frames: list[float] = page.evaluate("() => window.benchFrames.slice(1)")
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return sorted(frames)
