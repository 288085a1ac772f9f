"""Issuing, printing and changing badges in the browser; leads; what other packages ask."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import event, func, select

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.jobs import services as jobs
from expo_crm.jobs.models import Job
from expo_crm.onsite.domain.layout import default_layout
from expo_crm.onsite.models import Badge
from expo_crm.onsite.services import badge_draw, badge_pdf, badge_text, badges
from expo_crm.visitors.services import tickets
from tests.onsite.play import add_device, register, send, stage
from tests.support.cast import sign_in

E = "/e/fluid-2026"


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_issue_print_and_fetch_many(client, session):
    cast = stage(session)
    for number, company in enumerate(["中石油", "阿里巴巴", "博世"]):
        register(session, cast, f"王{'一二三'[number]}", company)
    register(session, cast, "未审", "无", state="in_review")
    other = client.application.test_client()
    sign_in(other, cast.admin)
    sign_in(client, cast.desk)
    assert "3" in client.get(f"{E}/badges").text
    started = client.post(f"{E}/badges/issue")
    assert started.status_code == 302
    assert client.get(started.location).status_code == 200
    jobs.run_all()
    assert client.get(started.location).status_code == 200
    assert session.scalar(select(func.count()).select_from(Badge)) == 4
    started = client.post(f"{E}/badges/print", data={"scope": "all", "order": "company"})
    jobs.run_all()
    assert "file" in client.get(started.location).text
    answer = client.get(started.location + "/file")
    assert answer.mimetype == "application/pdf"
    texts = pages(answer.data)
    assert ["阿里" in t for t in texts] == [True, False, False, False] and "中石油" in texts[3]
    assert all(session.scalars(select(Badge.printed_at)))
    assert client.post(f"{E}/badges/print", data={"scope": "unprinted"}).status_code == 409
    assert other.get(started.location + "/file").status_code == 404  # the file belongs to who asked for it
    assert other.get(started.location).status_code == 404


def test_print_selected_takes_only_this_editions_valid_badges(client, session):
    cast = stage(session)
    one = badges.issue_badge(register(session, cast, "王一"))
    two = badges.issue_badge(register(session, cast, "王二"))
    badges.block(two, "lost")
    first, second = one.id, two.id
    sign_in(client, cast.desk)
    assert client.post(f"{E}/badges/print", data={}).status_code == 422
    client.post(f"{E}/badges/print", data={"ids": [first, second, "9" * 14, "x"]})
    jobs.run_all()
    assert session.scalars(select(Job.result).order_by(Job.id.desc())).first()["badges"] == 1
    assert session.get(Badge, first).printed_at and not session.get(Badge, second).printed_at


def test_one_badge_is_printed_replaced_blocked_and_withdrawn(client, session):
    cast = stage(session)
    url = f"{E}/badges/{cast.badge.id}"
    sign_in(client, cast.desk)
    assert client.get(url).status_code == 200
    cast.registration.name = "林晓晓"
    pdf = client.post(f"{url}/print")
    assert "林晓晓" in pages(pdf.data)[0] and "Trade visitor".upper() in pages(pdf.data)[0]
    assert client.post(f"{url}/change", data={"action": "reprint", "reason": "\u3164 "}).status_code == 422
    assert client.post(f"{url}/change", data={"action": "explode", "reason": "x"}).status_code == 422
    assert client.post(f"{url}/change", data={"action": "reprint", "reason": "torn"}).status_code == 302
    badge = session.get(Badge, cast.badge.id)
    assert (badge.generation, badge.printed_at, badge.state) == (2, None, "active")
    for action, state in (("block", "blocked"), ("unblock", "active"), ("revoke", "revoked")):
        assert client.post(f"{url}/change", data={"action": action, "reason": "because"}).status_code == 302
        assert session.get(Badge, cast.badge.id).state == state
        assert client.get(url).status_code == 200
    assert client.post(f"{url}/change", data={"action": "unblock", "reason": "no"}).status_code == 409
    assert client.post(f"{url}/print").status_code == 409
    actions = set(session.scalars(select(AuditEntry.action).where(AuditEntry.entity == "badge")))
    assert {"badge.print", "badge.reprint", "badge.state"} <= actions


def test_who_may_and_what_is_not_there(client, session):
    cast = stage(session)
    url = f"{E}/badges/{cast.badge.id}"
    sign_in(client, cast.reader)
    assert client.get(url).status_code == 200 and client.get(f"{E}/leads").status_code == 200
    assert client.post(f"{url}/print").status_code == 403
    assert client.post(f"{url}/change", data={"action": "revoke", "reason": "x"}).status_code == 403
    assert client.get(f"/e/fluid-2025/badges/{cast.badge.id}").status_code == 404
    assert client.get(f"{E}/badges/{10**20}").status_code == 404
    desk = client.application.test_client()
    sign_in(desk, cast.desk)
    assert desk.post(f"{E}/registrations/{cast.registration.id}/badge").location.endswith(f"/badges/{cast.badge.id}")
    waiting = register(session, cast, "未审", state="in_review")
    assert desk.post(f"{E}/registrations/{waiting.id}/badge").status_code == 409


def test_lists_search_and_cost_the_same_for_one_and_for_many(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)

    def cost(path):
        seen = []

        def note(conn, cursor, statement, *_):
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        assert client.get(path).status_code == 200
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    client.get(f"{E}/badges")
    few = cost(f"{E}/badges")
    for number in range(12):
        badges.issue_badge(register(session, cast, f"观众{number}", "某公司"))
    session.commit()
    assert cost(f"{E}/badges") == few
    assert "林晓" in client.get(f"{E}/badges?q=lx").text and "林晓" not in client.get(f"{E}/badges?q=zz").text
    assert (
        "林晓" in client.get(f"{E}/badges?printed=yes").text and "林晓" not in client.get(f"{E}/badges?printed=no").text
    )
    assert client.get(f"{E}/badges?class=999&state=x&sort=nope&page=-1").status_code == 200


def test_a_registration_has_one_current_badge_and_a_ticket(session):
    cast = stage(session)
    assert badges.issue_badge(cast.registration).id == cast.badge.id
    code = tickets.ticket_code(cast.registration)
    assert len(code) == 141
    assert session.scalar(select(func.count()).select_from(Badge)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "李",
        "O'Brien",
        "𠮷田 ᠮᠣᠩ عرب",
        "M" * 120,
        "长" * 120,
        "<script>alert(1)</script>",
        "%s {{7*7}}",
        "a b " * 60,
        "",
    ],
)
def test_any_name_fits_on_a_badge(name):
    code = "A" * 141
    face = badge_draw.Face(code, name, name, name, "专业观众", "Trade", "no-such-colour")
    made = badge_pdf.render([(default_layout(), face)], badge_draw.Heading("展", ""))
    assert len(PdfReader(io.BytesIO(made)).pages) == 1
    if "𠮷" in name:
        assert badge_text.MISSING in pages(made)[0]


def test_the_picture_on_the_badge_is_the_code():
    matrix = badge_draw.matrix("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 4 + "ABCDEFGHIJKLM")
    assert len(matrix) == 41  # version 6


def test_staff_hold_a_badge_at_the_gates_and_lift_it(client, session):
    cast = stage(session, anti_passback="off")
    sign_in(client, cast.admin)
    page = f"{E}/badges/{cast.badge.id}"
    held = client.post(f"{page}/change", data={"action": "hold", "hold": "unpaid", "reason": "训练费未付"})
    assert held.status_code == 302
    shown = client.get(page).text
    assert "训练费未付" in shown and "请持卡人到服务台" in shown
    assert "林晓" in client.get(f"{E}/badges?hold=unpaid").text and "林晓" not in client.get(f"{E}/badges?hold=need_input").text
    assert send(client, cast.token, cast.code).json["reason"] == "unpaid"
    for wrong in ({"hold": "x"}, {"hold": ""}):
        assert client.post(f"{page}/change", data={"action": "hold", "reason": "x", **wrong}).status_code == 422
    assert client.post(f"{page}/change", data={"action": "lift", "reason": "paid in cash"}).status_code == 302
    session.expire_all()
    assert (cast.badge.hold, cast.badge.state_reason) == ("", "")
    assert send(client, add_device(session, cast, cast.gate)[1], cast.code).json["status"] == "admit"
