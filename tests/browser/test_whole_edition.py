"""A whole edition in one go, by hand in the browser: from the first sign-in to next year's call list.

Walked on PostgreSQL in Chinese and on SQLite in English. Everything is real: gunicorn, the job worker, the camera picture, the
files. The steps find their way by form fields and addresses, so both languages walk the same path; what a person reads is checked
in the language of the walk.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader
from sqlalchemy import select

from tests.support.cast import PASSWORD

TODAY = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
COMPANY = "芃瀚泵业（苏州）有限公司"
WORDS = {
    "zh": {"sold": "已售", "admit": "请进", "inside": "已在场内", "retained": "留存", "registered": "登记"},
    "en": {
        "sold": "Sold",
        "admit": "Welcome",
        "inside": "already inside",
        "retained": "Retained",
        "registered": "register",
    },
}
LIST = """展位号;公司名称;英文名称;国家;净面积
A01;芃瀚泵业（苏州）有限公司;Suzhou Penghan Pumps Co., Ltd.;中国;18
A02;霁岳阀门股份有限公司;Jiyue Valves Corp., Ltd.;中国;9
A03/A04;Nordhafen Pumpen GmbH;Nordhafen Pumpen GmbH;德国;36
A04;珩砺密封技术有限公司;;中国;0
A05;someone@example.com;;;9
"""


def follow(link: Locator) -> None:
    """Click what leads to another page, or to this one anew, and wait until that is there."""
    with link.page.expect_navigation():
        link.click()


class Walk:
    """One person's way through the product, in one language."""

    def __init__(
        self, server: Any, open_page: Callable[..., Page], camera_page: Callable[..., Page], locale: str
    ) -> None:
        self.server, self.open_page, self.camera_page, self.locale = server, open_page, camera_page, locale
        self.words = WORDS[locale]
        self.page = open_page(locale, base_url=server.url, accept_downloads=True)

    # --- small steps -------------------------------------------------------------------------------------------------------

    def go(self, address: str) -> None:
        answer = self.page.goto(address)
        assert answer and answer.status == 200, f"{address}: {answer and answer.status}"
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile("^zh" if self.locale == "zh" else "^en"))

    def fill(self, page: Page | None = None, **fields: str) -> None:
        page = page or self.page
        for name, value in fields.items():
            field = page.locator(f"main [name={name}]").first
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def send(self, address: str, page: Page | None = None) -> None:
        """Send the form whose action ends so, by its own button."""
        page = page or self.page
        form = f"form[method=post][action$='{address}'] button[type=submit]"
        follow(page.locator(f"main {form}, dialog[open] {form}").first)

    def submit(self, page: Page | None = None) -> None:
        """Send the page's main form."""
        page = page or self.page
        follow(page.locator("main form[method=post] .btn-primary[type=submit]").first)

    def confirm(self) -> None:
        """Say yes in the dialog that asks first."""
        follow(self.page.locator("dialog[open] .btn-primary, dialog[open] .btn-danger").first)

    # --- the eleven steps --------------------------------------------------------------------------------------------------

    def sign_in(self) -> None:
        link = self.server.flask("user", "admin-link").strip().splitlines()[-1]
        self.page.goto(re.sub(r"^https?://[^/]+", self.server.url, link) + f"?lang={self.locale}")
        self.fill(email="admin@walk.example", name="顾清", password="short")
        self.submit()  # a slip: too short a password is explained, nothing is lost
        expect(self.page.locator("main [name=name]")).to_have_value("顾清")
        self.fill(password=PASSWORD)
        self.submit()
        expect(self.page).to_have_url(re.compile("/shows/new"))
        again = self.page.context.new_page()
        assert again.goto(re.sub(r"^https?://[^/]+", self.server.url, link)).status == 410  # the link worked once
        again.close()

    def set_up(self) -> None:
        start = TODAY - dt.timedelta(days=364)
        self.fill(
            name_zh="流体工业展", name_en="Fluid Expo", code="fluid",
            starts_on=start.isoformat(), ends_on=(start + dt.timedelta(days=2)).isoformat(), venue_zh="东浦国际会展中心",
            venue_en="Dongpu International Expo Centre", privacy_contact="privacy@walk.example",
        )  # fmt: skip
        self.submit()
        self.last = f"/e/{re.search(r'/e/([^/]+)/', self.page.url)[1]}"
        self.go(f"{self.last}/settings")
        self.page.locator("main a[href$='/halls/new']").click()
        self.fill(code="H1", name_zh="1号馆", name_en="Hall 1", width_m="60", depth_m="40")
        self.submit()
        for zh, en, synonym in (("离心泵", "Centrifugal pumps", "rotodynamic pump"), ("球阀", "Ball valves", "")):
            self.go(f"{self.last}/categories")
            self.page.locator("a[href$='/categories/new']").first.click()
            self.fill(name_zh=zh, name_en=en, synonyms=synonym)
            self.submit()
            expect(self.page.locator("main")).to_contain_text(zh if self.locale == "zh" else en)

    def import_last_year(self) -> None:
        self.go(f"{self.last}/imports")
        self.page.locator("input[type=file]").set_input_files(
            {"name": "展商名录.csv", "mimeType": "text/csv", "buffer": LIST.encode("gb18030")}
        )
        self.submit()
        follow(self.page.locator("button[name=go]"))
        self.submit()
        load = self.page.locator("form[action$='/load'] button[type=submit]")
        expect(load).to_be_visible(timeout=20_000)  # the preview runs in the worker
        expect(self.page.locator("main")).to_contain_text("someone@example.com")  # refused, and said so
        load.click()
        expect(self.page).to_have_url(re.compile("/result"), timeout=20_000)
        self.go("/companies?q=" + ("芃瀚" if self.locale == "zh" else "phby"))  # two characters, or pinyin initials
        expect(self.page.locator("#list-companies")).to_contain_text("芃瀚" if self.locale == "zh" else "Penghan")
        self.go(f"{self.last}/settings")
        self.fill(state="closed")
        self.send("/settings")

    def open_this_year(self) -> None:
        self.go(f"{self.last}/next")
        self.fill(
            starts_on=TODAY.isoformat(),
            ends_on=(TODAY + dt.timedelta(days=2)).isoformat(),
            name_zh="今年流体工业展",
            name_en="Fluid Expo Now",
        )
        self.submit()
        self.edition = f"/e/{re.search(r'/e/([^/]+)/', self.page.url)[1]}"
        assert self.edition != self.last
        self.go(f"{self.edition}/settings")
        opens, closes = (f"{TODAY + dt.timedelta(days=days)}T09:00" for days in (-30, 2))
        self.fill(state="open", registration_opens_at=opens, registration_closes_at=closes)
        self.send("/settings")
        self.go(f"{self.edition}/plan/halls/H1/grid")
        self.fill(prefix="A", rows="2", columns="6", price="12000")
        self.submit()
        expect(self.page.locator("g.booth")).to_have_count(12)

    def recruit(self) -> None:
        self.go(f"{self.edition}/recruitment/new?q=芃瀚")
        self.send("/recruitment/new")
        opportunity = self.page.url
        self.go(f"{self.edition}/recruitment")
        card = self.page.locator("[data-card]").first
        card.locator("[data-move-card]").focus()
        self.page.keyboard.press("Enter")  # by keyboard: choose the stage in the dialog
        self.page.locator("dialog[open] [value=quoted]").check()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("[data-card][data-stage=quoted]")).to_have_count(1)
        self.page.goto(opportunity)
        self.page.locator("main [name=booth]").select_option(index=1)
        self.send("/hold")
        self.send("/contract")
        contract = self.page.url
        with self.page.context.expect_page() as opened:
            self.page.locator("a[href$='contract.pdf']").first.click()
        opened.value.close()
        pdf = PdfReader(io.BytesIO(self.page.context.request.get(contract + "/contract.pdf").body()))
        assert "芃瀚" in "".join(p.extract_text() for p in pdf.pages)
        self.page.locator("[data-dialog-open=sign-dialog]").click()
        self.page.locator("dialog[open] [name=signed_by]").fill("陈思远")
        self.send("/sign")
        follow(self.page.locator("main a[href*='/invoices/']").first)
        self.submit()  # the deposit came in: the open amount is filled in already
        self.go(f"{self.edition}/plan")
        expect(self.page.locator("g.booth-sold")).to_have_count(1)
        expect(self.page.locator("g.booth-sold").first).to_have_attribute("aria-label", re.compile(self.words["sold"]))
        self.go(f"{self.edition}/recruitment")
        expect(self.page.locator("[data-card][data-stage=deposit_paid]")).to_have_count(1)

    def portal(self) -> None:
        self.go(f"{self.edition}/exhibitors")
        follow(self.page.locator("#list-exhibitors a[href*='/companies/']").first)
        company = self.page.url
        self.page.locator("main a[href$='/people/new']").first.click()
        self.fill(name="陈思远", email="chen@penghan.example", title="市场部经理")
        self.submit()
        self.page.goto(company)
        self.page.locator("form[action$='/invite'] button[type=submit]").first.click()
        self.confirm()
        link = self.mail_link("chen@penghan.example", "/welcome/")
        exhibitor = self.open_page(self.locale, base_url=self.server.url)
        exhibitor.goto(link + f"?lang={self.locale}")
        self.fill(exhibitor, name="陈思远", password=PASSWORD)
        self.submit(exhibitor)
        expect(exhibitor).to_have_url(re.compile("/portal"))
        follow(exhibitor.locator("a[href*='/portal'][href*='entry']").first)
        self.fill(exhibitor, intro_zh="高效离心泵。", intro_en="Efficient centrifugal pumps.")
        exhibitor.locator(
            "main input[type=checkbox][name=categories], main input[type=checkbox][name=offers]"
        ).first.check()
        self.submit(exhibitor)
        exhibitor.goto(f"{self.server.url}/portal")
        follow(exhibitor.locator("a[href*='/portal'][href*='invit']").first)
        self.invitation = re.search(r"https?://[^\s\"'<]+/i/[\w-]+", exhibitor.content())[0]
        self.exhibitor = exhibitor

    def register(self) -> None:
        phone = self.open_page(self.locale, phone=True, base_url=self.server.url)
        phone.goto(re.sub(r"^https?://[^/]+", self.server.url, self.invitation))
        self.fill(phone, name="林知夏", company="东江石化有限公司", email="not-an-address")
        for box in phone.locator(".consent input[type=checkbox]").all():
            expect(box).not_to_be_checked()
        self.submit(phone)  # a slip: explained, and nothing typed is lost
        expect(phone.locator("main [name=name]")).to_have_value("林知夏")
        self.fill(phone, email="lin@dongjiang.example", job_title="采购经理")
        phone.locator("main [name=function]").select_option("purchasing")
        phone.locator("main [name=buying_role]").select_option("decide")
        phone.locator("main input[name=interests]").first.check()
        phone.locator("main [name=lead_sharing]").check()
        self.submit(phone)
        expect(phone).to_have_url(re.compile("/v/"))
        expect(phone.locator("main img").first).to_be_visible()
        assert phone.request.get(phone.url.split("?")[0] + "/calendar.ics").text().startswith("BEGIN:VCALENDAR")
        self.ticket = self.mail_link("lin@dongjiang.example", "/v/")
        self.exhibitor.reload()
        expect(self.exhibitor.locator("main")).to_contain_text("林知夏")  # the exhibitor sees who used the invitation
        self.go(f"{self.edition}/registrations?q=" + ("知夏" if self.locale == "zh" else "lzx"))
        expect(self.page.locator("#list-registrations")).to_contain_text("林知夏")

    def badge(self) -> None:
        self.go(f"{self.edition}/badges")
        expect(self.page.locator("#list-badges")).to_contain_text("林知夏")  # the ticket in the mail is its first print
        follow(self.page.locator("#list-badges a[href*='/badges/']").first)
        with self.page.expect_download() as waiting:
            self.page.locator("form[action$='/print'] button[type=submit]").click()
        with open(waiting.value.path(), "rb") as stream:
            assert "林知夏" in "".join(p.extract_text() for p in PdfReader(stream).pages)
        from expo_crm.onsite.models import Badge
        from expo_crm.onsite.services.badges import code_of

        with self.server.database() as session:
            self.code = code_of(session.scalars(select(Badge).where(Badge.registration_id.is_not(None))).one())

    def gate(self) -> None:
        self.go(f"{self.edition}/gates/new")
        self.fill(code="N", name_zh="北入口", name_en="North gate")
        self.page.locator("main [name=any_time]").check()  # the walk may be taken at night
        self.submit()
        self.page.locator("main a[href*='/gates/'][href$='/devices']").first.click()
        self.fill(name="iPad 1")
        self.submit()
        link = self.page.locator("input[value*='/gate/pair/']").first.input_value()
        device = self.camera_page(
            [self.code, None, "NOT-ONE-OF-OURS", None], self.locale, seconds=2.2, base_url=self.server.url
        )
        device.goto(re.sub(r"^https?://[^/]+", self.server.url, link) + f"?lang={self.locale}")
        device.locator("main form button[type=submit], form button[type=submit]").first.click()
        for check in ("list", "rules"):  # the readiness check before the doors open
            expect(device.locator(f"[data-check={check}]")).to_have_attribute("data-state", "ok", timeout=15_000)
        device.locator("[data-part=ready-start]").click()
        verdict = device.locator("[data-part=verdict]")
        expect(verdict).to_have_class(re.compile("verdict-admit"), timeout=15_000)
        expect(verdict).to_contain_text(self.words["admit"])
        expect(verdict).to_have_class(re.compile("verdict-deny"), timeout=15_000)
        self.go(f"{self.edition}/live")
        expect(self.page.locator("#live-board")).to_contain_text("北入口" if self.locale == "zh" else "North gate")
        expect(self.page.locator(".live-stats .stat").first).to_contain_text("1", timeout=15_000)  # it asks every five seconds
        expect(verdict).to_have_class(re.compile("verdict-warn"), timeout=15_000)
        expect(verdict).to_contain_text(self.words["inside"])
        expect(device.locator("[data-part=line-text]")).to_have_text(re.compile("^[^·]+$"), timeout=15_000)  # nothing waits
        device.close()
        self.go(f"{self.edition}/scans")
        assert self.page.locator("#list-scans tbody tr").count() >= 3  # refused ones are kept too

    def match(self) -> None:
        self.go(f"{self.edition}/registrations?q=林知夏")
        follow(self.page.locator("#list-registrations a[href*='/registrations/']").first)
        visitor = re.search(r"/registrations/(\d+)", self.page.url)[1]
        self.go(f"{self.edition}/matchmaking/visitors/{visitor}")
        expect(self.page.locator("main")).to_contain_text("芃瀚" if self.locale == "zh" else "Penghan")
        expect(self.page.locator("main")).to_contain_text(
            "离心泵" if self.locale == "zh" else "Centrifugal pumps"
        )  # the reason
        self.send("/meetings/ask")
        answer = self.mail_link("lin@dongjiang.example", "/m/")
        phone = self.open_page(self.locale, phone=True, base_url=self.server.url)
        phone.goto(answer)
        follow(phone.locator("main button[value=yes], main form .btn-primary").first)
        self.go(f"{self.edition}/meetings")
        follow(self.page.locator("#list-meetings a[href*='/meetings/']").first)
        self.send("/schedule")
        self.go(f"{self.edition}/meetings?state=scheduled")
        expect(self.page.locator("#list-meetings tbody tr")).to_have_count(1)

    def survey(self) -> None:
        self.go(f"{self.edition}/surveys")
        self.page.locator("[data-dialog-open=new-survey]").first.click()
        self.page.locator("dialog[open] [name=template][value=visitors]").check()
        follow(self.page.locator("dialog[open] button[type=submit]"))
        survey = self.page.url
        self.page.locator("form[action$='/send'] button[type=submit]").click()
        self.confirm()
        link = self.mail_link("lin@dongjiang.example", "/s/")
        phone = self.open_page(self.locale, phone=True, base_url=self.server.url)
        phone.goto(link)
        for name in phone.locator("main .survey-form input[type=radio]").evaluate_all(
            "all => [...new Set(all.map(one => one.name))]"
        ):
            phone.locator(f"main input[name='{name}']").last.check()
        for box in phone.locator("main .survey-form fieldset:has(input[type=checkbox])").all():
            box.locator("input").first.check()
        phone.locator("main .survey-form button[type=submit]").click()
        expect(phone.locator("main .survey-form")).to_have_count(0)
        self.go(survey.removeprefix(self.server.url) + "/results")
        expect(self.page.locator("main")).to_contain_text("NPS")
        expect(self.page.locator("main")).to_contain_text(re.compile(r"n\s*=\s*1\b"))

    def retention(self) -> None:
        self.go(f"{self.edition}/settings")
        self.fill(state="closed")
        self.send("/settings")
        self.go(f"{self.edition}/retention")
        expect(self.page.locator("main")).to_contain_text(self.words["retained"])
        expect(self.page.locator("main")).to_contain_text(
            re.compile(r"25(\.0)?\s?%")
        )  # one of last year's four is back
        self.go(f"{self.edition}/plan-next")
        self.send("/plan-next")
        expect(self.page.locator("form[action$='/undo']")).to_be_visible(timeout=20_000)  # made, and can be taken back
        from expo_crm.exhibitors.models import Opportunity
        from expo_crm.shows.models import Edition

        with self.server.database() as session:
            newest = session.scalars(select(Edition).order_by(Edition.starts_on.desc())).first()
            planned = session.scalars(select(Opportunity).where(Opportunity.edition_id == newest.id)).all()
            slug = newest.slug
            assert f"/e/{slug}" not in {self.edition, self.last}
            assert planned and all(o.owner_id for o in planned)
        self.go(f"/e/{slug}/calls")
        expect(self.page.locator("main")).to_contain_text("芃瀚" if self.locale == "zh" else "Penghan")

    def mail_link(self, recipient: str, part: str) -> str:
        """The newest mail to somebody with a link of this kind, read on the outbox page as staff would."""
        page = self.page.context.new_page()
        for _ in range(60):
            page.goto(f"{self.server.url}/outbox?q={recipient}")
            for row in page.locator("#list-outbox a[href*='/outbox/']").evaluate_all("all => all.map(one => one.href)"):
                page.goto(row)
                found = re.search(r"https?://\S+" + re.escape(part) + r"[\w-]+", page.locator("pre").inner_text())
                if found:
                    page.close()
                    return re.sub(r"^https?://[^/]+", self.server.url, found[0])
            page.wait_for_timeout(300)
        raise AssertionError(f"no mail to {recipient} with {part}")


@pytest.mark.parametrize(("dialect", "locale"), [("postgresql", "zh"), ("sqlite", "en")])
def test_a_whole_edition(serve: Any, open_page: Any, camera_page: Any, dialect: str, locale: str) -> None:
    walk = Walk(serve(dialect, workers=2, worker=True), open_page, camera_page, locale)
    walk.sign_in()
    walk.set_up()
    walk.import_last_year()
    walk.open_this_year()
    walk.recruit()
    walk.portal()
    walk.register()
    walk.badge()
    walk.gate()
    walk.match()
    walk.survey()
    walk.retention()
