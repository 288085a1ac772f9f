"""Staff: list, detail, decisions, desk."""

from __future__ import annotations

from sqlalchemy import event, func, select

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.messaging.models import Message
from expo_crm.visitors.domain.registration import RegisterCommand
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import registrations
from tests.support.cast import sign_in
from tests.visitors.support import open_cast


def make(cast, name="李若溪", company="清源水务集团", **more):
    made = registrations.register(
        RegisterCommand(
            edition_id=cast.edition.id,
            name=name,
            company=company,
            function=more.pop("function", "purchasing"),
            mail=False,
            **more,
        )
    )
    db.session.commit()
    return made


def test_the_list_finds_by_characters_initials_company_and_number(client, session, app):
    cast = open_cast(session)
    with app.test_request_context():
        one, two = make(cast, email="li@qingyuan.example"), make(cast, "Ada Lovelace", "Nordhafen GmbH")
    sign_in(client, cast.reader)
    for q, wanted in (
        ("若溪", one),
        ("lrx", one),
        ("qysw", one),
        ("清源", one),
        ("nordhafen", two),
        (str(two.number), two),
    ):
        page = client.get(f"{cast.staff}/registrations", query_string={"q": q}).get_data(as_text=True)
        other = two if wanted is one else one
        assert wanted.name in page and other.name not in page, q
    page = client.get(f"{cast.staff}/registrations?class=press").get_data(as_text=True)
    assert one.name not in page
    assert client.get(f"{cast.staff}/registrations?day=2026-99-99&state=nonsense&page=-1").status_code == 200


def test_contact_data_is_shown_recorded_and_exported_only_with_the_right(client, session, app):
    cast = open_cast(session)
    with app.test_request_context():
        made = make(cast, email="li@qingyuan.example", phone="+8613800138000")
    url = f"{cast.staff}/registrations/{made.id}"
    sign_in(client, cast.reader)
    assert "li@qingyuan" not in client.get(url).get_data(as_text=True)
    assert client.get(f"{cast.staff}/registrations?export=csv").mimetype == "text/html"
    client.post("/sign-out")
    sign_in(client, cast.sales)
    assert "li@qingyuan.example" in client.get(url).get_data(as_text=True)
    looks = session.scalar(
        select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "registration.contact_view")
    )
    assert looks == 1
    assert "li@qingyuan.example" in client.get(f"{cast.staff}/registrations?export=csv").get_data(as_text=True)


def test_review_approves_returns_and_rejects_with_reason_and_mail(client, session, app):
    cast = open_cast(session)
    with app.test_request_context():
        made = make(cast, company="", function="", email="a@b.example")
    assert made.state == "in_review"
    sign_in(client, cast.desk)
    url = f"{cast.staff}/registrations/{made.id}/decision"
    assert client.post(url, data={"state": "rejected"}).status_code == 422
    assert client.post(url, data={"state": "nonsense"}).status_code == 422
    assert client.post(url, data={"state": "returned", "reason": "请填写公司"}).status_code == 302
    session.refresh(made)
    assert (made.state, made.review_note) == ("returned", "请填写公司")
    assert client.post(url, data={"state": "approved"}).status_code == 302
    assert client.post(url, data={"state": "approved"}).status_code == 409
    assert [m.template for m in session.scalars(select(Message).order_by(Message.id))] == [
        "visitors_decision",
        "visitors_confirmation",
    ]
    actions = session.scalars(
        select(AuditEntry.action).where(AuditEntry.entity == "registration").order_by(AuditEntry.id)
    ).all()
    assert actions[-2:] == ["registration.return", "registration.approve"] or "registration.approve" in actions


def test_reader_and_sales_may_not_decide_and_another_edition_is_not_found(client, session, app):
    cast = open_cast(session)
    with app.test_request_context():
        made = make(cast)
    sign_in(client, cast.sales)
    assert client.post(f"{cast.staff}/registrations/{made.id}/decision", data={"state": "cancelled"}).status_code == 403
    assert client.get(f"{cast.staff}/desk").status_code == 403
    assert client.get(f"/e/{cast.previous.slug}/registrations/{made.id}").status_code == 404


def test_the_desk_registers_at_once_and_asks_about_duplicates(client, session, app):
    cast = open_cast(session)
    sign_in(client, cast.desk)
    url = f"{cast.staff}/desk"
    data = {"name": "周子墨", "phone": "13800138000", "country": "CN", "visitor_class": "trade"}
    assert client.get(url).status_code == 200
    assert client.post(url, data=data).status_code == 302
    [made] = session.scalars(select(Registration))
    assert (made.source, made.on_site, made.state) == ("desk", True, "approved")
    again = client.post(url, data={**data, "name": "周紫陌"})
    assert again.status_code == 409 and str(made.number) in again.get_data(as_text=True)
    assert client.post(url, data={**data, "name": "周紫陌", "anyway": "1"}).status_code == 302
    assert client.post(url, data={**data, "name": ""}).status_code == 422
    assert session.scalar(select(func.count()).select_from(Registration)) == 2


def test_correcting_changes_badge_text_class_and_search(client, session, app):
    cast = open_cast(session)
    with app.test_request_context():
        made = make(cast)
    sign_in(client, cast.desk)
    url = f"{cast.staff}/registrations/{made.id}/edit"
    assert client.get(url).status_code == 200
    data = {"name": "李若曦", "company_name": "禾川泵业（上海）有限公司", "visitor_class": "press"}
    assert client.post(url, data=data).status_code == 302
    session.refresh(made)
    assert (made.name, made.visitor_class.code, made.company_id) == ("李若曦", "press", cast.companies[0].id)
    assert "李若曦" in client.get(f"{cast.staff}/registrations?q=若曦").get_data(as_text=True)
    assert client.post(url, data={**data, "visitor_class": "emperor"}).status_code == 422
    assert client.post(url, data={**data, "name": ""}).status_code == 422


def test_numbers_are_unique_per_edition_and_first_time_is_known(session, app):
    cast = open_cast(session)
    with app.test_request_context():
        old = registrations.register(
            RegisterCommand(edition_id=cast.previous.id, name="李若溪", email="li@x.example", mail=False)
        )
        db.session.commit()
        new = make(cast, email="LI@x.example")
        other = make(cast, "王五", email="li@x.example")
    assert (old.number, new.number, other.number) == (100001, 100001, 100002)
    assert (old.first_time, new.first_time, other.first_time) == (True, False, True)
    assert old.person_id == new.person_id != other.person_id


def cost_of(client, path):
    seen: list[str] = []

    def note(*args):
        seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    assert client.get(path).status_code == 200
    event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_three_rows_cost_as_many_queries_as_one(client, session, app):
    cast = open_cast(session)
    sign_in(client, cast.admin)
    counts = []
    for name in ("甲乙", "丙丁", "戊己"):
        with app.test_request_context():
            make(cast, name)
        counts.append(cost_of(client, f"{cast.staff}/registrations"))
    assert counts[0] == counts[2]


def test_the_company_and_person_pages_show_registrations(client, session, app):
    cast = open_cast(session)
    with app.test_request_context():
        made = make(cast, "顾清", "禾川泵业（上海）有限公司", email="gu@x.example")
    assert made.company_id == cast.companies[0].id
    sign_in(client, cast.reader)
    assert "顾清" in client.get(f"/companies/{cast.companies[0].id}").get_data(as_text=True)
    assert str(cast.edition.name_zh) in client.get(f"/people/{made.person_id}").get_data(as_text=True)
