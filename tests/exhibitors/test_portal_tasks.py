"""Exhibitors' tasks: roles, deadlines where the show is, drawings, reviewed entries, reminders, rebooking; nobody sees another's."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal

import pytest
from sqlalchemy import event, func, select

from expo_crm.accounts.models import OneTimeLink
from expo_crm.exhibitors import queries_results, queries_tasks
from expo_crm.exhibitors.domain.drawing import DrawingRefused, media_type
from expo_crm.exhibitors.domain.portal import (
    EntryMode,
    Facts,
    Rule,
    TaskKey,
    TaskState,
    badge_quota,
    entry_mode,
    may_open,
    reminder_step,
    rules_of,
    tasks_of,
)
from expo_crm.exhibitors.domain.word_diff import compare
from expo_crm.exhibitors.models import (
    Booth,
    BuildDrawing,
    Contract,
    DirectoryEntry,
    EntryChange,
    Fascia,
    InvitationLink,
    PortalMember,
    PortalTaskKind,
    TaskReminder,
)
from expo_crm.exhibitors.services import portal_tasks, rebooking
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from expo_crm.onsite.models import Badge
from expo_crm.shows.models import Edition, Hall
from expo_crm.shows.services import editions
from tests.exhibitors.test_portal_pages import ENTRY, cast, member  # noqa: F401  (a fixture)
from tests.support.cast import sign_in

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
OPENS = dt.date(2026, 6, 9)


# -- rules without a database -------------------------------------------------------------------------------------------


def test_a_deadline_ends_with_its_day_where_the_show_is():
    rules = rules_of(OPENS, {TaskKey.FASCIA: Rule(dt.date(2026, 5, 1)), TaskKey.INVITE: Rule(OPENS, active=False)})
    facts = Facts(starts_on=OPENS, shell=True, quota=3)
    for day, state in ((dt.date(2026, 5, 1), TaskState.SOON), (dt.date(2026, 5, 2), TaskState.OVERDUE)):
        tasks = {t.key: t for t in tasks_of(facts, day, rules)}
        assert tasks[TaskKey.FASCIA].state is state
        assert TaskKey.INVITE not in tasks and TaskKey.BUILD not in tasks
    # 23:30 in Shanghai is still the last day; for the exhibitor in New York it is noon of the same day.
    at = dt.datetime(2026, 5, 1, 15, 30, tzinfo=dt.UTC)
    assert clock.local_day(at, "Asia/Shanghai") == dt.date(2026, 5, 1)
    assert clock.local_day(at + dt.timedelta(hours=1), "Asia/Shanghai") == dt.date(2026, 5, 2)


def test_reminders_take_the_newest_step_and_leave_overdue_money_to_dunning():
    facts = Facts(starts_on=OPENS, deposit_due=dt.date(2026, 5, 1))
    def steps(day):
        return {t.key: reminder_step(t, day) for t in tasks_of(facts, day)}

    entry = OPENS - dt.timedelta(days=45)
    assert steps(entry - dt.timedelta(days=15))[TaskKey.ENTRY] is None
    assert [steps(entry - dt.timedelta(days=d))[TaskKey.ENTRY] for d in (14, 4, 3, 0, -1, -6, -7, -30)] == [
        14, 14, 3, 3, -1, -1, -7, -7,
    ]  # fmt: skip
    assert steps(dt.date(2026, 4, 30))[TaskKey.DEPOSIT] == 3 and steps(dt.date(2026, 5, 3))[TaskKey.DEPOSIT] is None


@pytest.mark.parametrize(("area", "quota"), [("0", 0), ("9", 3), ("9.01", 6), ("36", 12), ("100", 36)])
def test_badges_go_by_begun_nine_square_metres(area, quota):
    assert badge_quota(Decimal(area), 3, Decimal(9)) == quota


def test_when_an_entry_is_reviewed_and_when_it_is_frozen():
    published, freeze = dt.date(2026, 5, 1), dt.date(2026, 5, 20)
    modes = [entry_mode(dt.date(2026, 5, d), published, freeze) for d in (1, 19, 20)]
    assert modes == [EntryMode.REVIEW, EntryMode.REVIEW, EntryMode.FROZEN]
    assert entry_mode(dt.date(2026, 4, 30), published, freeze) is EntryMode.OPEN
    assert entry_mode(dt.date(2030, 1, 1), None, None) is EntryMode.OPEN


@pytest.mark.parametrize(
    ("old", "new", "gone", "added"),
    [
        ("Pumps for water", "Pumps for clean water", [], ["clean "]),
        ("离心泵与计量泵。", "离心泵与隔膜泵。", ["计量"], ["隔膜"]),
        ("", "neu", [], ["neu"]),
        ("x<script>", "y<script>", ["x"], ["y"]),
    ],
)
def test_word_differences(old, new, gone, added):
    pieces = compare(old, new)
    assert "".join(p.text for p in pieces if p.kind != "new") == old
    assert "".join(p.text for p in pieces if p.kind != "gone") == new
    assert [p.text for p in pieces if p.kind == "gone"] == gone
    assert [p.text for p in pieces if p.kind == "new"] == added


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"MZ\x90 a program", "kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "kind"),
        (b"%PDF-1.7 cut in the middle", "kind"),
        (b"\x89PNG\r\n\x1a\n half", "kind"),
        (b"GIF89a....", "kind"),
        (PDF + b" " * (20 * 1024 * 1024), "too-large"),
    ],
)
def test_files_that_are_no_drawings(data, code):
    with pytest.raises(DrawingRefused) as error:
        media_type(data)
    assert error.value.code == code


MATRIX = {
    "": {"main", "finance", "staff"}, "/booth": {"main", "finance", "staff"},
    "/contract": {"main", "finance"}, "/invoices": {"main", "finance"},
    "/services": {"main", "finance"}, "/entry": {"main"}, "/fascia": {"main"}, "/build": {"main"}, "/team": {"main"}, "/rebook": {"main"},
    "/badges": {"main", "staff"}, "/invitation": {"main", "staff"}, "/results": {"main", "staff"}, "/meetings": {"main", "staff"},
    "/leads": {"main", "staff"}, "/leads/devices": {"main", "staff"},
}  # fmt: skip


@pytest.mark.parametrize("role", ["main", "finance", "staff"])
def test_roles_by_page(client, session, cast, role):  # noqa: F811
    session.scalar(select(PortalMember).where(PortalMember.user_id == cast.me.id)).role = role
    session.commit()
    sign_in(client, cast.me)
    for page, roles in MATRIX.items():
        assert client.get(f"/portal/{cast.mine.id}{page}").status_code == (200 if role in roles else 403), page
        assert client.get(f"/portal/{cast.other.id}{page}").status_code == 404, page
    bar = client.get(f"/portal/{cast.mine.id}").get_data(as_text=True)
    assert (f"/portal/{cast.mine.id}/invoices" in bar) == (role != "staff")
    assert (f"/portal/{cast.mine.id}/leads" in bar) == (role != "finance")


def test_a_page_that_nobody_is_named_for_is_the_main_contacts(app):
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/portal/<int:participation_id>/"):
            assert may_open("main", rule.endpoint) and not may_open("", rule.endpoint)
    assert not may_open("staff", "exhibitors.portal_something_new")


def test_roles_are_given_by_the_main_contact_and_one_always_stays(client, session, cast):  # noqa: F811
    sign_in(client, cast.me)
    base = f"/portal/{cast.mine.id}/team"
    client.post(base, data={"email": "kasse@hechuan.example", "name": "财务", "locale": "zh", "role": "finance"})
    assert session.scalar(select(OneTimeLink.role).where(OneTimeLink.email == "kasse@hechuan.example")) == "finance"
    own = session.scalar(select(PortalMember).where(PortalMember.user_id == cast.me.id))
    foreign = session.scalar(select(PortalMember).where(PortalMember.user_id == cast.stranger.id))
    assert client.post(f"{base}/{own.id}/role", data={"role": "staff"}).status_code == 409
    assert client.post(f"{base}/{own.id}/role", data={"role": "admin"}).status_code == 404
    assert client.post(f"{base}/{foreign.id}/role", data={"role": "staff"}).status_code == 404
    colleague = member(session, cast, "zwei@hechuan.example", cast.companies[0])
    session.commit()
    assert client.post(f"{base}/{own.id}/role", data={"role": "staff"}).status_code == 302
    assert client.post(f"{base}/{own.id}/role", data={"role": "main"}).status_code == 403
    session.expire_all()
    assert own.role == "staff" and foreign.role == "main" and colleague.kind == "exhibitor"


# -- drawings -----------------------------------------------------------------------------------------------------------


def _send(client, base, data, name="stand.pdf", remark=""):
    return client.post(
        f"{base}/build", data={"file": (io.BytesIO(data), name), "remark": remark}, content_type="multipart/form-data"
    )


def test_drawings_go_back_and_forth_until_they_are_approved(client, session, cast):  # noqa: F811
    base, desk = f"/portal/{cast.mine.id}", f"/e/fluid-2026/exhibitor-tasks/{cast.mine.id}"
    sign_in(client, cast.me)
    assert _send(client, base, b"MZ", "stand.pdf").status_code == 422
    assert _send(client, base, PDF, "../../etc/CANARY-DRAWING.pdf", "第一版").status_code == 302
    client.post("/sign-out")
    sign_in(client, cast.sales)
    page = client.get(desk).get_data(as_text=True)
    assert "第一版" in page and "CANARY" not in client.get(f"/e/fluid-2026/exhibitor-tasks/{cast.other.id}").get_data(as_text=True)
    assert client.post(f"{desk}/build", data={"decision": "changes", "number": "1", "text": " "}).status_code == 422
    assert client.post(f"{desk}/build", data={"decision": "changes", "number": "1", "text": "高度超限"}).status_code == 302
    mail = session.scalar(select(Message).where(Message.template == "exhibitors_build_decided"))
    assert mail.to_email == "me@hechuan.example" and "高度超限" in mail.text
    client.post("/sign-out")
    sign_in(client, cast.me)
    assert "高度超限" in client.get(f"{base}/build").get_data(as_text=True)
    assert _send(client, base, PDF + b"v2\n%%EOF").status_code == 302
    client.post("/sign-out")
    sign_in(client, cast.sales)
    # Somebody who still looks at the first drawing cannot approve the second one.
    assert client.post(f"{desk}/build", data={"decision": "approved", "number": "1"}).status_code == 409
    assert client.post(f"{desk}/build", data={"decision": "approved", "number": "2"}).status_code == 302
    client.post("/sign-out")
    sign_in(client, cast.me)
    assert _send(client, base, PDF).status_code == 422
    assert session.scalar(select(func.count()).select_from(BuildDrawing)) == 2
    file = client.get(f"{base}/build/1/drawing")
    disposition = file.headers["Content-Disposition"]
    assert file.data == PDF and disposition.startswith("attachment") and "etc" not in disposition
    client.post("/sign-out")
    sign_in(client, cast.stranger)
    assert client.get(f"{base}/build/1/drawing").status_code == 404
    assert client.get(f"/portal/{cast.other.id}/build/1/drawing").status_code == 404
    assert client.post(f"{base}/build/remark", data={"text": "x"}).status_code == 404


# -- fascia, badges, services -------------------------------------------------------------------------------------------


def _due(session, cast, key, days):  # noqa: F811
    today = clock.local_day(clock.now(), cast.edition.timezone)
    session.add(PortalTaskKind(edition_id=cast.edition.id, key=key, due_on=today + dt.timedelta(days=days), active=True))
    session.commit()


def test_the_fascia_is_closed_after_its_day_but_not_for_the_organizer(client, session, cast):  # noqa: F811
    _due(session, cast, TaskKey.FASCIA, 0)
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/fascia"
    for wrong in ({"text_zh": " ", "text_en": ""}, {"text_zh": "泵" * 21}, {"text_en": "p" * 41}):
        assert client.post(url, data=wrong).status_code == 422
    assert client.post(url, data={"text_zh": "禾川泵业", "text_en": "HECHUAN"}).status_code == 302
    session.scalar(select(PortalTaskKind)).due_on -= dt.timedelta(days=1)
    session.commit()
    assert client.post(url, data={"text_zh": "另一个"}).status_code == 422
    client.post("/sign-out")
    sign_in(client, cast.sales)
    assert client.post(f"/e/fluid-2026/exhibitor-tasks/{cast.mine.id}/fascia", data={"text_zh": "禾川"}).status_code == 302
    session.expire_all()
    assert session.scalars(select(Fascia.text_zh)).all() == ["禾川"]


def test_badges_of_the_stand_by_quota(client, session, cast):  # noqa: F811
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/badges"
    assert client.post(url, data={"names": "甲\n乙\n丙\n丁"}).status_code == 422  # 9 m² allow three, none is made
    assert session.scalar(select(func.count()).select_from(Badge)) == 0
    assert client.post(url, data={"names": "陈甲\n\n  \n李乙"}).status_code == 302
    badge = session.scalar(select(Badge).where(Badge.holder == "陈甲"))
    assert (badge.class_id, badge.participation_id) == (cast.class_exhibitor.id, cast.mine.id)
    assert client.post(url, data={"names": "王丙\n赵丁"}).status_code == 422
    client.post("/sign-out")
    sign_in(client, cast.stranger)
    theirs = f"/portal/{cast.other.id}/badges"
    assert "陈甲" not in client.get(theirs).get_data(as_text=True)
    assert client.post(f"{theirs}/{badge.id}/withdraw").status_code == 404
    client.post("/sign-out")
    sign_in(client, cast.me)
    assert client.post(f"{url}/{badge.id}/withdraw").status_code == 302
    session.expire_all()
    assert badge.state == "revoked"
    assert client.post(url, data={"names": "王丙\n赵丁"}).status_code == 302


def test_nothing_needed_is_an_answer_too(client, session, cast):  # noqa: F811
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/services"
    def done():
        session.expire_all()
        return queries_tasks.facts_of(cast.edition, [cast.mine])[cast.mine.id].services

    for answer, wanted in (("1", True), ("1", True), ("0", False)):
        assert client.post(url, data={"nothing": answer}).status_code == 302
        assert done() is wanted


# -- change review ------------------------------------------------------------------------------------------------------


def _publish(session, cast, *, freeze=None):  # noqa: F811
    rules = portal_tasks.ensure_rules(cast.edition)
    today = clock.local_day(clock.now(), cast.edition.timezone)
    rules.published_on, rules.freeze_on = today, None if freeze is None else today + freeze
    session.commit()


def test_after_publication_an_edit_waits_for_the_organizer(client, session, cast):  # noqa: F811
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/entry"
    client.post(url, data=ENTRY)
    _publish(session, cast)
    assert client.post(url, data={**ENTRY, "intro_zh": "离心泵与隔膜泵。"}).status_code == 302
    assert client.post(url, data={**ENTRY, "intro_zh": "离心泵与<b>真空泵</b>。"}).status_code == 302  # the same request, changed
    change = session.scalar(select(EntryChange))
    assert session.scalar(select(DirectoryEntry.intro_zh)) == "离心泵与计量泵。"
    client.post("/sign-out")
    sign_in(client, cast.stranger)
    assert "真空" not in client.get(f"/portal/{cast.other.id}/entry").get_data(as_text=True)
    client.post("/sign-out")
    sign_in(client, cast.sales)
    page = client.get("/e/fluid-2026/exhibitor-tasks/changes").get_data(as_text=True)
    assert "<ins>" in page and "<b>真空" not in page
    decide = f"/e/fluid-2026/exhibitor-tasks/changes/{change.id}"
    assert client.post(decide, data={"decision": "approved", "version": "1"}).status_code == 409  # an older state was looked at
    session.expire_all()
    good = {"decision": "approved", "version": str(change.version)}
    assert client.post(decide, data={**good, "decision": "refused"}).status_code == 422
    assert client.post(decide.replace("2026", "2025"), data=good).status_code == 404
    assert client.post(decide, data=good).status_code == 302
    session.expire_all()
    assert session.scalar(select(DirectoryEntry.intro_zh)) == "离心泵与<b>真空泵</b>。"
    assert session.scalar(select(func.count()).select_from(Message).where(Message.template == "exhibitors_entry_decided")) == 1
    assert client.post(decide, data=good).status_code == 409


def test_after_the_freeze_only_the_organizer_changes(client, session, cast):  # noqa: F811
    _publish(session, cast, freeze=dt.timedelta(0))
    sign_in(client, cast.me)
    answer = client.post(f"/portal/{cast.mine.id}/entry", data=ENTRY)
    assert answer.status_code == 422 and "离心泵与计量泵。" in answer.get_data(as_text=True)
    client.post("/sign-out")
    sign_in(client, cast.sales)
    assert client.post(f"/e/fluid-2026/exhibitor-tasks/{cast.mine.id}/entry", data=ENTRY).status_code == 302
    assert session.scalar(select(DirectoryEntry.name_en)) == "Hechuan Pumps"


# -- reminders, board, clone --------------------------------------------------------------------------------------------


def test_reminders_go_once_per_step_to_who_may_act_in_their_language(session, cast):  # noqa: F811
    today = clock.local_day(clock.now(), cast.edition.timezone)
    cast.edition.starts_on, cast.edition.ends_on = today + dt.timedelta(days=59), today + dt.timedelta(days=61)
    staff = member(session, cast, "stand@hechuan.example", cast.companies[0])
    staff.locale = "en"
    session.scalar(select(PortalMember).where(PortalMember.user_id == staff.id)).role = "staff"
    session.commit()
    portal_tasks.remind_all()
    first = session.scalars(select(Message).where(Message.template == "exhibitors_tasks", Message.company_id == cast.companies[0].id)).all()
    assert [m.to_email for m in first] == ["me@hechuan.example"]  # entry and offers in 14 days; stand staff may do neither
    assert "北辰" not in first[0].text and f"/portal/{cast.mine.id}/entry" in first[0].text
    assert portal_tasks.remind_all() == 0
    later = clock.now() + dt.timedelta(days=11)
    assert later and session.scalar(select(func.count()).select_from(TaskReminder)) > 0
    cast.edition.starts_on -= dt.timedelta(days=11)  # as if eleven days had passed: the next step
    session.commit()
    assert portal_tasks.remind_all() > 0
    assert portal_tasks.remind_all() == 0


def test_the_board_shows_who_is_late_and_chases_in_bulk(client, session, cast):  # noqa: F811
    _due(session, cast, TaskKey.ENTRY, -1)
    sign_in(client, cast.sales)
    url = "/e/fluid-2026/exhibitor-tasks"
    page = client.get(f"{url}?task=entry&state=late&lang=zh").get_data(as_text=True)
    assert "禾川泵业" in page and "北辰" in page
    assert client.post(f"{url}/chase?task=entry", data={}).status_code == 422
    ids = [str(cast.mine.id), "999999", "x"]
    assert client.post(f"{url}/chase?task=entry", data={"ids": ids}).status_code == 302
    client.post(f"{url}/chase?task=entry", data={"ids": ids})  # twice on one day
    sent = session.scalars(select(Message.to_email).where(Message.template == "exhibitors_tasks")).all()
    assert sent == ["me@hechuan.example"]
    assert client.get(f"{url}?export=csv").status_code == 200
    client.post("/sign-out")
    sign_in(client, cast.me)
    for path in ("", "/changes", "/rules", f"/{cast.mine.id}"):
        assert client.get(url + path).status_code == 403


def test_deadlines_are_set_by_the_organizer_and_move_into_the_next_edition(client, session, cast):  # noqa: F811
    sign_in(client, cast.admin)
    url = "/e/fluid-2026/exhibitor-tasks/rules"
    good = {f"due_{key}": "2026-04-20" for key in rules_of(OPENS)}
    good |= {f"active_{key}": "1" for key in rules_of(OPENS) if key is not TaskKey.OFFERS}
    good |= {"badges": "2", "badge_m2": "9", "published_on": "2026-05-01", "freeze_on": "2026-05-20"}
    for wrong in ({"due_entry": "2026-02-30"}, {"due_entry": "1999-01-01"}, {"freeze_on": "2026-04-01"}, {"badges": "-1"}):
        assert client.post(url, data={**good, **wrong}).status_code == 422
    assert client.post(url, data=good).status_code == 302
    starts = cast.edition.starts_on + dt.timedelta(days=371)
    coming = editions.create_edition(cast.show, starts_on=starts, ends_on=starts, previous=cast.edition)
    session.commit()
    rules = queries_tasks.task_rules(coming)
    assert rules[TaskKey.ENTRY] == Rule(dt.date(2026, 4, 20) + dt.timedelta(days=371)) and not rules[TaskKey.OFFERS].active
    kept = queries_tasks.find_rules(coming.id)
    assert (kept.badges, kept.freeze_on) == (2, dt.date(2026, 5, 20) + dt.timedelta(days=371))


def test_facts_of_many_cost_no_more_statements_than_of_one(session, cast):  # noqa: F811
    seen: list[str] = []
    both = [cast.mine, cast.other]
    _edition, _names = cast.edition.starts_on, [(p.company_id, p.net_m2) for p in both]
    queries_tasks.facts_of(cast.edition, both)  # what the session must read anew after the commit
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: seen.append(args[2]))
    queries_tasks.facts_of(cast.edition, both[:1])
    one, seen[:] = len(seen), []
    queries_tasks.facts_of(cast.edition, both)
    assert 0 < one == len(seen)


# -- invitation kit, results, rebooking, forgotten password --------------------------------------------------------------


def test_links_of_stand_members_and_banners(client, session, cast):  # noqa: F811
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/invitation"
    client.post(url)
    assert client.post(url, data={"name": "陈思远"}).status_code == 302
    assert client.post(url, data={"name": "陈思远"}).status_code == 422
    assert client.post(url, data={"name": "  "}).status_code == 422
    links = session.scalars(select(InvitationLink).order_by(InvitationLink.id)).all()
    assert [x.label for x in links] == ["", "陈思远"]
    page = client.get(f"{url}?link={links[1].id}").get_data(as_text=True)
    assert f"/i/{links[1].code}" in page
    foreign = InvitationLink(participation_id=cast.other.id, code="foreign1", created_at=clock.now())
    session.add(foreign)
    session.commit()
    assert "foreign1" not in client.get(f"{url}?link={foreign.id}").get_data(as_text=True)
    from PIL import Image

    for size, pixels in (("wide", (1200, 628)), ("tall", (1080, 1440))):
        picture = client.get(f"/portal/{cast.mine.id}/banner/{size}.png?in=en")
        assert Image.open(io.BytesIO(picture.data)).size == pixels and len(picture.data) < 120_000
    assert client.get(f"/portal/{cast.mine.id}/banner/huge.png").status_code == 404


def test_results_show_no_median_of_too_few(session, cast):  # noqa: F811
    found = queries_results.of(cast.mine)
    assert found.others == 1 and found.medians == {}


@pytest.fixture
def coming(session, cast):  # noqa: F811
    edition = Edition(
        show_id=cast.show.id, slug="fluid-2027", number=9, name_zh="2027", name_en="Expo 2027", starts_on=dt.date(2027, 6, 9),
        ends_on=dt.date(2027, 6, 11), state="planning", previous_id=cast.edition.id,
    )  # fmt: skip
    session.add(edition)
    session.flush()
    hall = Hall(edition_id=edition.id, code="H1", name_zh="1号馆", name_en="Hall 1", width_m=60, depth_m=40, capacity=2000)
    session.add(hall)
    session.flush()
    for i in (1, 2):
        session.add(
            Booth(
                edition_id=edition.id, hall_id=hall.id, code=f"A{i:02}", code_key=f"A{i:02}", x_m=Decimal(2 + 4 * i), y_m=Decimal(2),
                width_m=Decimal(3), depth_m=Decimal(3), area_m2=Decimal(9), price=Decimal(13000),
            )
        )  # fmt: skip
    session.commit()
    return edition


def test_rebooking_the_own_stand_in_three_clicks(client, session, cast, coming):  # noqa: F811
    sign_in(client, cast.me)
    url = f"/portal/{cast.mine.id}/rebook"
    page = client.get(url).get_data(as_text=True)
    own, other = session.scalars(select(Booth.id).where(Booth.edition_id == coming.id).order_by(Booth.code)).all()
    assert re.findall(r'name="booth" value="(\d+)"', page) == [str(own)]
    assert client.post(url, data={"booth": [str(other)]}).status_code in (409, 422)  # not offered
    assert client.post(url, data={}).status_code in (409, 422)
    assert client.post(url, data={"booth": [str(own)]}).status_code == 302
    contract = session.scalar(select(Contract).where(Contract.edition_id == coming.id))
    assert contract.state == "draft" and contract.net == Decimal(13000)
    sent = session.scalars(select(Message.to_email).where(Message.template == "exhibitors_rebooked").order_by(Message.id)).all()
    assert sent == ["me@hechuan.example", "sales@example.com"]
    assert contract.number in client.get(url).get_data(as_text=True)
    assert client.post(url, data={"booth": [str(own)]}).status_code in (409, 422)
    assert rebooking.coming_edition(coming) is None


def test_a_forgotten_password_says_the_same_to_everybody(client, session, cast):  # noqa: F811
    from expo_crm.jobs import services as jobs

    mine = f"/portal/{cast.mine.id}"
    known, unknown = (client.post("/forgot", data={"email": e}) for e in ("me@hechuan.example", "nobody@hechuan.example"))
    assert known.status_code == unknown.status_code == 200

    def plain(page):
        return re.sub(r"content=\"[^\"]{60,}\"|value=\"[^\"]{60,}\"|nonce=\"[^\"]+\"", "", page.get_data(as_text=True))

    assert plain(known) == plain(unknown)
    while jobs.run_next():
        pass
    mails = session.scalars(select(Message).where(Message.template == "accounts_reset")).all()
    assert [m.to_email for m in mails] == ["me@hechuan.example"]
    link = re.search(r"http://localhost(/welcome/\S+)", mails[0].text)[1]
    new = {"email": "x@y.example", "name": "陈思远", "password": "eight loud copper kettles"}
    assert client.post(link, data=new).status_code == 302
    assert client.get(mine).status_code == 200
    client.post("/sign-out")
    assert client.post(link, data=new).status_code == 410
    for _n in range(5):
        client.post("/forgot", data={"email": "me@hechuan.example"})
    while jobs.run_next():
        pass
    assert session.scalar(select(func.count()).select_from(Message).where(Message.template == "accounts_reset")) == 3
