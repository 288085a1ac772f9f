"""Takes the pictures of the README: ``python -m tests.pictures`` (about two minutes).

A fresh demonstration show in a temporary folder, the real server, a real browser; the pictures go to docs/pictures.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browsers import Chromium
from tests.support.cast import PASSWORD
from tests.support.databases import ROOT
from tests.support.servers import free_port

TARGET = ROOT / "docs" / "pictures"
PAGES = {
    "overview": "/e/{coming}",
    "recruitment": "/e/{coming}/recruitment",
    "plan": "/e/{coming}/plan",
    "company": "/companies/{company}",
    "retention": "/e/{last}/retention",
    "live": "/e/{last}/live?day={day}",
    # The guides
    "quality": "/companies/quality",
    "duplicate": "/companies/duplicates/{pair}",
    "rebooking": "/e/{last}/rebooking",
    "invoices": "/e/{coming}/invoices",
    "due": "/e/{coming}/invoices/due",
    "bank": "/e/{coming}/bank",
}
QUALITY = 78


def main() -> None:
    """Start everything, take the pictures, stop everything."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        env = {**os.environ, "EXPO_INSTANCE": folder, "PORT": str(port), "EXPO_BASE_URL": f"http://127.0.0.1:{port}"}
        log = open(Path(folder) / "serve.log", "w+")  # noqa: SIM115 - read below while the server writes
        server = subprocess.Popen(
            [sys.executable, "-m", "flask", "serve", "--port", str(port)], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            link = wait_for_link(Path(folder) / "serve.log", server)
            os.environ.update(env)
            with sync_playwright() as playwright:
                browser = Chromium(playwright, Path(folder)).launch()
                take(browser, env["EXPO_BASE_URL"], link)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)
            log.close()


def wait_for_link(log: Path, server: Any) -> str:
    import time

    for _ in range(900):
        if found := re.search(r"http://\S+/welcome/\S+", log.read_text()):
            return found[0]
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def take(browser: Browser, base: str, link: str) -> None:
    desktop = browser.new_context(
        base_url=base, viewport={"width": 1440, "height": 900}, reduced_motion="reduce", timezone_id="Asia/Shanghai"
    )
    page = desktop.new_page()
    page.goto(link)
    page.locator("main [name=email]").fill("admin@dongpu-expo.example")
    page.locator("main [name=name]").fill("顾清")
    page.locator("main [name=password]").fill(PASSWORD)
    page.locator("main [type=submit]").click()
    page.wait_for_url("**/e/**")
    facts, codes = prepare()
    for language in ("zh", "en"):
        for name, address in PAGES.items():
            page.goto(address.format(**facts) + ("&" if "?" in address else "?") + f"lang={language}")
            shoot(page, f"{name}-{language}")
    for language in ("zh", "en"):
        phones(browser, base, language, facts, codes[language])


def shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(900)
    page.screenshot(path=TARGET / f"{name}.jpg", type="jpeg", quality=QUALITY)


def prepare() -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Addresses of the pictures, and for each language a visitor's page, a badge code and a paired device."""
    from sqlalchemy import func, select

    from expo_crm.app import create_app
    from expo_crm.db import db, unit_of_work
    from expo_crm.directory.models import DuplicatePair, Participation
    from expo_crm.directory.services import duplicates, quality
    from expo_crm.onsite.models import Gate
    from expo_crm.onsite.services import badges, devices
    from expo_crm.shows.models import Edition
    from expo_crm.visitors.models import Registration
    from expo_crm.visitors.services.links import page_token

    app = create_app()
    codes: dict[str, dict[str, str]] = {}
    with app.app_context(), unit_of_work():
        editions = db.session.scalars(select(Edition).order_by(Edition.starts_on.desc())).all()
        loyal = (
            select(Participation.company_id)
            .group_by(Participation.company_id)
            .order_by(func.count().desc(), Participation.company_id)
        )
        facts = {
            "coming": editions[0].slug,
            "last": editions[1].slug,
            "day": editions[1].starts_on + dt.timedelta(days=1),
            "company": db.session.scalars(loyal).first(),
        }
        duplicates.find_all()
        quality.measure()
        pairs = select(DuplicatePair.id).order_by(DuplicatePair.score.desc(), DuplicatePair.id)
        facts["pair"] = db.session.scalars(pairs).first()
        gates = db.session.scalars(select(Gate).where(Gate.edition_id == editions[0].id).order_by(Gate.id))
        gate = next(one for one in gates if not one.classes)  # one for everybody, not the exhibitors' lane
        gate.any_time = True
        wanted = (
            select(Registration)
            .where(Registration.edition_id == editions[0].id, Registration.state == "approved")
            .limit(2)
        )
        for language, registration in zip(("zh", "en"), db.session.scalars(wanted), strict=True):
            badge = badges.issue_badge(registration)
            badges.print_one(badge)
            _device, offer = devices.create_device(editions[0], gate, f"iPad {language}")
            paired = devices.pair(offer)
            codes[language] = {"page": page_token(registration), "code": badges.code_of(badge), "device": paired[1]}
    return facts, codes


def phones(browser: Browser, base: str, language: str, facts: dict[str, Any], codes: dict[str, str]) -> None:
    """Registration, ticket and gate side by side."""
    context = browser.new_context(
        base_url=base,
        viewport={"width": 390, "height": 844},
        device_scale_factor=1.5,
        is_mobile=True,
        has_touch=True,
        reduced_motion="reduce",
    )
    context.add_cookies(
        [{"name": "expo_device", "value": codes["device"], "url": base, "httpOnly": True, "sameSite": "Strict"}]
    )
    page = context.new_page()
    parts = []
    for number, address in enumerate((f"/r/{facts['coming']}", f"/v/{codes['page']}", "/gate")):
        page.goto(f"{address}?lang={language}")
        page.wait_for_timeout(1200)
        if address == "/gate":
            for check in ("list", "rules"):  # the check before the doors open
                page.locator(f"[data-check={check}][data-state=ok]").wait_for()
            page.locator("[data-part=ready-start]").click()
            page.keyboard.type(codes["code"])
            page.keyboard.press("Enter")
            page.locator("[data-part=verdict].verdict-admit, [data-part=verdict].verdict-warn").wait_for()
        path = TARGET / f".phone-{number}.png"
        page.screenshot(path=path)
        parts.append(Image.open(path).convert("RGB"))
        path.unlink()
    gap, width, height = 36, *parts[0].size
    sheet = Image.new("RGB", (3 * width + 4 * gap, height + 2 * gap), "#e6ebf2")
    for number, part in enumerate(parts):
        sheet.paste(part, (gap + number * (width + gap), gap))
    sheet.resize((sheet.width * 2 // 3, sheet.height * 2 // 3), Image.Resampling.LANCZOS).save(
        TARGET / f"phones-{language}.jpg", quality=QUALITY
    )
    context.close()


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    main()
