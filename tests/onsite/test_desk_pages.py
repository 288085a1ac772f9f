"""The registration desk: find, correct, print, register; nothing twice."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader
from sqlalchemy import func, select

from expo_crm.directory.models import Consent
from expo_crm.jobs import services as jobs
from expo_crm.jobs.models import Job
from expo_crm.onsite import queries_desk
from expo_crm.onsite.domain.badge_code import Purpose
from expo_crm.onsite.models import Badge, PrintJob, Scan
from expo_crm.onsite.queries_desk import Selection
from expo_crm.onsite.services import badges
from expo_crm.visitors.domain.vocabulary import CONSENTS
from expo_crm.visitors.models import Registration
from tests.onsite.play import register, stage
from tests.support.cast import sign_in

E = "/e/fluid-2026"
KEY = "a-key-of-this-form-0001"


def at_desk(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    person = cast.registration.person
    person.email, person.phone = "lin@hechuan.example", "+8613912345678"
    session.commit()
    return cast


def walk_in(**others):
    return {
        "key": KEY,
        "name": "赵敏",
        "company": "新泵厂",
        "visitor_class": "trade",
        "printer": "",
        "country": "CN",
        **others,
    }


def test_people_are_found_by_what_they_say_and_by_their_ticket(client, session):
    cast = at_desk(client, session)
    register(session, cast, "林立", "别家公司")
    session.commit()
    ticket = badges.code_of(cast.badge, Purpose.TICKET)

    def names(typed):
        return [h.registration.name for h in queries_desk.search(cast.edition.id, typed)]

    assert names("林") == ["林立", "林晓"]
    for typed in (
        "linxiao",
        "lx",
        "禾川",
        "LIN@hechuan.example",
        "5678",
        "139 1234 5678",
        ticket,
        ticket.lower() + "\r\n",
    ):
        assert names(typed) == ["林晓"], typed
    for typed in ("", " ", "%", "_", "12", "@", "\u200b", "A" * 150, "x" * 600, "'; drop table", ticket[:-1]):
        assert names(typed) == [], typed
    page = client.get(f"{E}/desk", query_string={"q": ticket}, follow_redirects=True).text
    assert "warning" in client.get(f"{E}/desk", query_string={"q": "A" * 141}, follow_redirects=True).text
    assert "林晓" in page and ticket not in page and "l…@hechuan.example" in page and "lin@hechuan" not in page
    assert "林晓" in client.get(f"{E}/desk/search?q=lx").text
    assert client.get(f"{E}/desk?person={10**14}").status_code == 404
    assert client.get(f"/e/fluid-2025/desk?person={cast.registration.id}").status_code == 404
    assert client.get(f"{E}/desk/{cast.registration.id}/badge.png").mimetype == "image/png"


def test_a_registered_visitor_is_corrected_and_printed_once(client, session):
    cast = at_desk(client, session)
    visitor = register(session, cast, "王小", "旧公司", state="in_review")
    session.commit()
    url = f"{E}/desk/{visitor.id}"
    assert client.get(f"{url}/panel").status_code == 200
    data = {
        "key": KEY,
        "name": "王晓",
        "company": "新公司",
        "job_title": "厂长",
        "visitor_class": "press",
        "printer": "",
    }
    assert client.post(url, data={**data, "name": " "}).status_code == 422
    first, second = client.post(url, data=data), client.post(url, data=data)
    assert first.location == second.location  # double click
    job = session.scalars(select(PrintJob)).one()
    assert client.get(first.location).text.count("data-print=") == 1
    answer = client.get(f"{E}/desk/jobs/{job.id}/file")
    assert (
        answer.mimetype == "application/pdf" and "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    )
    text = PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    assert "王晓" in text and "厂长" in text and "媒体" in text
    session.expire_all()
    assert (job.state, visitor.state, visitor.company_name) == ("printed", "approved", "新公司")
    assert job.badge.printed_at and session.scalar(select(func.count()).select_from(Scan)) == 0
    # Once more needs a reason, and ends the first print.
    again = {**data, "key": KEY + "x"}
    assert client.post(url, data=again).status_code == 422
    assert client.post(url, data={**again, "reason": "explode"}).status_code == 422
    assert client.post(url, data={**again, "reason": "lost"}).status_code == 302
    session.expire_all()
    assert job.badge.generation == 2
    assert client.get(f"{E}/desk/jobs/{job.id}/file").status_code == 409  # the old print is no more
    other = client.application.test_client()
    sign_in(other, cast.admin)
    assert other.get(f"{E}/desk/jobs/{job.id}/file").status_code == 404


def test_a_blocked_badge_is_not_printed_at_the_desk(client, session):
    cast = at_desk(client, session)
    cast.badge.printed_at = None
    session.commit()
    badges.block(cast.badge, "stolen")
    session.commit()
    data = {"key": KEY, "name": "林晓", "visitor_class": "trade", "printer": ""}
    assert client.post(f"{E}/desk/{cast.registration.id}", data=data).status_code == 409
    assert session.scalar(select(func.count()).select_from(PrintJob)) == 0


def test_a_walk_in_is_registered_and_printed_once(client, session):
    at_desk(client, session)
    wording = CONSENTS[0]
    data = walk_in(email="zhao@new.example", phone="138 0000 1111", consent=[wording.version, "no-such-version"])
    page = client.get(f"{E}/desk").text
    assert 'name="consent"' in page and not re.search(r'name="consent"[^>]*checked', page)
    for wrong in (
        {"name": "\u3164"},
        {"email": "x"},
        {"phone": "12"},
        {"visitor_class": "king"},
        {"printer": "99"},
        {"name": "长" * 101},
    ):
        answer = client.post(f"{E}/desk", data={**data, **wrong})
        assert answer.status_code == 422 and ("赵敏" in answer.text or "name" in wrong)
    made = client.post(f"{E}/desk", data=data)
    assert made.status_code == 302 and client.post(f"{E}/desk", data=data).location == made.location
    found = session.scalars(select(Registration).where(Registration.name == "赵敏")).one()
    assert (found.source, found.on_site, found.state) == ("desk", True, "approved")
    assert session.scalar(select(func.count()).select_from(Badge).where(Badge.registration_id == found.id)) == 1
    answers = session.scalars(select(Consent).where(Consent.person_id == found.person_id)).all()
    assert [(c.purpose, c.granted) for c in answers] == [(wording.purpose, True)]
    job = session.scalars(select(PrintJob)).one()
    assert "赵敏" in PdfReader(io.BytesIO(client.get(f"{E}/desk/jobs/{job.id}/file").data)).pages[0].extract_text()


def test_who_is_registered_already_is_shown_first(client, session):
    cast = at_desk(client, session)
    for typed, sure in (
        ({"name": "林 晓", "email": "lin@hechuan.example"}, True),
        ({"name": "林晓", "phone": "13912345678"}, True),
        ({"name": "助理", "email": "Lin@Hechuan.example"}, False),
        ({"name": "林晓", "company": "禾川泵业（上海）"}, False),
    ):
        assert "林晓" in client.get(f"{E}/desk/search/same", query_string=typed).text
        data = walk_in(**{"company": "", **typed})
        answer = client.post(f"{E}/desk", data=data)
        assert answer.status_code == 409 and "anyway" in answer.text
        given = {"name": "", "company": "", "email": "", "phone": "", "country": "CN", **typed}
        assert queries_desk.list_same(cast.edition.id, **given)[0].sure is sure
    assert client.post(f"{E}/desk", data={**data, "anyway": "1"}).status_code == 302


def test_strangers_are_not_taken_for_somebody_else(client, session):
    cast = at_desk(client, session)
    assert (
        queries_desk.list_same(cast.edition.id, name="林晓", company="完全不同", email="", phone="", country="") == []
    )
    assert queries_desk.list_same(cast.edition.id, name="", company="", email="", phone="", country="") == []
    assert client.get(f"{E}/desk/search/same").text.strip() == ""
    reader = client.application.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(f"{E}/desk").status_code == 403
    assert reader.post(f"{E}/desk", data=walk_in()).status_code == 403


def test_batches_by_company_delegation_class_and_letters(client, session):
    cast = at_desk(client, session)
    for name, company, source, who in (
        ("安娜", "南山集团", "group", cast.class_trade), ("白露", "南山集团", "group", cast.class_press),
        ("赵六", "南山集团", "web", cast.class_trade), ("周五", "单人公司", "group", cast.class_trade),
    ):  # fmt: skip
        badges.issue_badge(register(session, cast, name, company, source=source, class_id=who.id))
    session.commit()

    def names(**chosen):
        ids = session.scalars(queries_desk.printable(cast.edition.id, Selection(**chosen))).all()
        return sorted(session.scalars(select(Badge.holder).where(Badge.id.in_(ids))).all())

    assert names(delegation="南山集团") == ["安娜", "白露"] and names(company="南山") == ["安娜", "白露", "赵六"]
    assert names(first="a", last="b") == ["安娜", "白露"] and names(first="z") == ["周五", "赵六"]
    assert names(class_id=cast.class_press.id) == ["白露"] and "林晓" not in names(unprinted=True)
    assert names(company="%") == []
    assert queries_desk.list_delegations(cast.edition.id) == [("南山集团", 2)]
    assert "南山集团 (2)" in client.get(f"{E}/badges").text
    for wrong in ({"first": "z", "last": "a"}, {"first": "王"}, {"last": "ab"}):
        assert client.post(f"{E}/badges/print", data={"scope": "all", **wrong}).status_code == 422
    assert client.post(f"{E}/badges/print", data={"scope": "all", "class_id": "9" * 14}).status_code == 409
    started = client.post(f"{E}/badges/print", data={"scope": "all", "delegation": "南山集团", "form": "zpl"})
    jobs.run_all()
    assert session.scalars(select(Job.result).order_by(Job.id.desc())).first()["badges"] == 2
    answer = client.get(started.location + "/file")
    assert answer.data.count(b"^XA") == 2 and answer.headers["Content-Disposition"].endswith('.zpl"')
