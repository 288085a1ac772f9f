"""Lead capture through the device's API: what is stored, what is released, and that nobody else's is ever seen."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from expo_crm.accounts.models import User
from expo_crm.accounts.services import hasher
from expo_crm.audit.models import AuditEntry
from expo_crm.directory.models import Participation
from expo_crm.directory.services.consents import record_consent
from expo_crm.exhibitors.models import PortalMember
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from expo_crm.onsite import queries_leads as queries
from expo_crm.onsite.domain.lead_release import Answer, Policy, ever_given, released, standing
from expo_crm.onsite.models import Device, HeldLead, Lead, LeadConsent, LeadQuestion, LeadScan
from expo_crm.onsite.services import badges, devices, lead_setup, leads, opaque
from expo_crm.onsite.services.lead_setup import SetupError, Wording
from expo_crm.visitors.services import links
from tests.onsite.play import register, send, stage
from tests.support.cast import PASSWORD, sign_in

E = "/e/fluid-2026"
CANARY = "Zebrafink"  # stands in every field of the other exhibitor's lead


def lead_stage(session: Any) -> SimpleNamespace:
    """Two exhibitors with a portal account and a paired device each; a visitor who agreed and one who did not."""
    cast = stage(session)
    cast.a, cast.b = (_exhibitor(session, cast, i, n) for i, n in ((1, "a"), (2, "b")))
    person = cast.registration.person
    person.email, person.phone, person.country = "lin@hechuan.example", "+8613800000001", "CN"
    cast.registration.job_title, cast.registration.function = "采购经理", "purchasing"
    cast.shy = register(session, cast, "沉默先生", "无名公司")
    cast.shy.person.email = "shy@nowhere.example"
    cast.shy_code = badges.code_of(badges.issue_badge(cast.shy))
    agree(cast.registration)
    session.commit()
    return cast


def _exhibitor(session: Any, cast: SimpleNamespace, company: int, name: str) -> SimpleNamespace:
    stand = Participation(edition_id=cast.edition.id, company_id=cast.companies[company].id, created_at=clock.now())
    user = User(
        email=f"{name}@stand.example", name=f"Stand {name}", kind="exhibitor", created_at=clock.now(), locale="en",
        password_hash=hasher.hash(PASSWORD),
    )  # fmt: skip
    session.add_all([stand, user])
    session.flush()
    session.add(PortalMember(user_id=user.id, company_id=stand.company_id))
    _device, pairing = lead_setup.add_device(stand, f"Phone {name}")
    paired = devices.pair(pairing)
    assert paired is not None
    return SimpleNamespace(stand=stand, user=user, device=paired[0], token=paired[1])


def agree(registration: Any, granted: bool = True, version: str = "lead-2026-2") -> None:
    record_consent(
        registration.person_id, "lead_sharing", granted, text_version=version, locale="zh", channel="web",
        edition_id=registration.edition_id,
    )  # fmt: skip


def post(client: Any, who: SimpleNamespace, path: str, body: Any) -> Any:
    return client.post(f"/api/lead/{path}", json=body, headers={"Authorization": f"Bearer {who.token}"})


def scan(client: Any, who: SimpleNamespace, code: str, **more: Any) -> dict[str, Any]:
    item = {"client_uuid": str(uuid.uuid4()), "code": code, "device_time": clock.now().isoformat(), **more}
    answer = post(client, who, "scans", {"scans": [item]})
    assert answer.status_code == 200, answer.text
    return answer.json["receipts"][0] | {"sent": item}


def plain(page: Any) -> str:
    """The page without what differs in every answer."""
    return re.sub(r'(csrf-token" content=|name="csrf_token" value=|href=)"[^"]*"', "", page.text)


def rest(session: Any) -> None:
    """As if the devices had been quiet for a while."""
    session.execute(Device.__table__.update().values(lead_rate_at=None))
    session.commit()


def note(client: Any, who: SimpleNamespace, receipt: dict[str, Any], details: Any, **more: Any) -> Any:
    edit = {"client_uuid": receipt["sent"]["client_uuid"], "details": details, **more}
    return post(client, who, "details", {"edits": [edit]})


# -- the rule, without a database ------------------------------------------------------------------------------------

T = [dt.datetime(2026, 6, 9, h, tzinfo=dt.UTC) for h in range(24)]
YES, NO = (lambda h, v="lead-2026-2": Answer(True, v, T[h])), (lambda h: Answer(False, "lead-2026-2", T[h]))


@pytest.mark.parametrize(
    ("own", "general", "holds"),
    [
        (None, None, False),
        (None, YES(1), True),
        (None, NO(1), False),
        (NO(2), YES(1), False),
        (NO(2), YES(3), False),  # a later yes to all does not give back what was taken from one
        (YES(2), None, True),
        (YES(2), NO(1), True),
        (YES(2), NO(3), False),  # a later no to all ends a yes to one
        (YES(2), YES(3), True),
    ],
)
def test_which_answer_holds(own, general, holds):
    assert (standing(own, general) is not None) == holds


def test_only_what_the_wording_names_and_the_organizer_allows_is_released():
    wide = Policy(("name", "company", "email", "country", "answers"))
    assert released(wide, YES(1)) == ("name", "company", "email", "country", "answers")
    assert released(wide, YES(1, "lead-2026-1")) == ("name", "company", "email")  # it did not name country and answers
    assert released(wide, YES(1, "never-heard")) == ("name", "company", "email")
    assert released(wide, None) == () and released(Policy(()), YES(1)) == ()


def test_what_was_ever_given_follows_the_rules_of_its_time():
    rules = [Policy(("name",)), Policy(("name", "phone"), since=T[10]), Policy(("company",), since=T[14])]
    assert ever_given(rules, [(YES(8), T[9])]) == ("name",)
    assert ever_given(rules, [(YES(8), None)]) == ("name", "company", "phone")
    assert ever_given(rules, [(YES(15), None)]) == ("company",)
    assert ever_given(rules, []) == ()


# -- scanning --------------------------------------------------------------------------------------------------------


def test_a_scan_gives_what_is_released_and_a_repeat_gives_the_same_once(client, session):
    cast = lead_stage(session)
    first = scan(client, cast.a, cast.code)
    assert first["lead"]["visitor"] == {
        "name": "林晓", "company": "禾川泵业", "job_title": "采购经理", "phone": "+8613800000001", "email": "lin@hechuan.example",
    }  # fmt: skip
    again = post(client, cast.a, "scans", {"scans": [first["sent"]]}).json["receipts"][0]
    assert again["replayed"] and again["lead"]["id"] == first["lead"]["id"] and again["lead"]["scans"] == 1
    other = post(client, cast.a, "scans", {"scans": [{**first["sent"], "code": cast.shy_code}]}).json["receipts"][0]
    assert (other["ok"], other["error"]) == (False, "uuid_reused")
    second = scan(client, cast.a, cast.code, offline=True)
    assert second["lead"]["id"] == first["lead"]["id"] and second["lead"]["scans"] == 2
    assert session.scalar(select(func.count()).select_from(Lead)) == 1
    assert session.scalar(select(func.count()).select_from(LeadScan)) == 2
    assert cast.code not in str([vars(s) for s in session.scalars(select(LeadScan))])  # the code itself is not kept


def test_an_opaque_code_is_looked_up_and_its_reprint_ends_it(client, session):
    cast = lead_stage(session)
    opaque.set_mode(cast.edition, "opaque")
    code = badges.code_of(cast.badge)
    session.commit()
    assert len(code) == 26 and scan(client, cast.a, code.lower())["lead"]["visitor"]["name"] == "林晓"
    badges.reprint(cast.badge, "torn")
    session.commit()
    assert scan(client, cast.a, code)["lead"]["visitor"] is None


def test_unknown_and_not_agreed_look_the_same_everywhere(client, session):
    cast = lead_stage(session)
    staff = badges.code_of(badges.issue_staff_badge(cast.a.stand, "Standleiter Müller"))
    revoked = register(session, cast, "Gone", "Gone Ltd")
    gone = badges.issue_badge(revoked)
    gone_code = badges.code_of(gone)
    agree(revoked)
    badges.revoke(gone, "lost")
    torn = register(session, cast, "Gone Twice", "Gone Ltd")
    agree(torn)
    replaced = badges.issue_badge(torn)
    old_code = badges.code_of(replaced)
    badges.reprint(replaced, "torn")
    session.commit()
    forged = cast.code[:-4] + ("AAAA" if cast.code[-4:] != "AAAA" else "BBBA")
    shapes = []
    for code in (cast.shy_code, staff, gone_code, old_code, forged, "A" * 26):
        found = scan(client, cast.a, code)
        one = found["lead"]
        assert one["visitor"] is None and not one["released"]
        shapes.append({k: v for k, v in one.items() if k not in {"id", "title", "captured_at"}} | {"text": found["text"]})
    assert all(shape == shapes[0] for shape in shapes)
    sign_in(client, cast.a.user)
    for path in ("?lang=en", "?data=no", "?q=沉默", "?q=cm", "?export=csv", "?sort=visitor"):
        page = client.get(f"/portal/{cast.a.stand.id}/leads{path}")
        assert page.status_code == 200
        text = page.get_data(as_text=True).replace('value="沉默"', "")
        for secret in ("沉默", "无名", "shy@", "Gone", "Müller"):
            assert secret not in text, (path, secret)
    assert "Visitor 1" not in client.get(f"/portal/{cast.a.stand.id}/leads?q=沉默&lang=en").text


def test_a_code_that_is_no_badge_makes_no_lead_and_is_not_kept(client, session):
    cast = lead_stage(session)
    for code in ("", "https://pay.example/?x=1", "BEGIN:VCARD", "' OR 1=1--", "x" * 5000, "林晓", "\x00", "{}", cast.code[:-1]):
        found = scan(client, cast.a, code)
        assert (found["ok"], found["result"], found["lead"]) == (True, "not_a_badge", None), code
    assert session.scalar(select(func.count()).select_from(Lead)) == 0


BAD_DETAILS = [
    {"stars": 11}, {"stars": -1}, {"stars": 6}, {"stars": "５"}, {"stars": "5"}, {"stars": 4.5}, {"stars": True}, {"stars": None},
    {"temperature": "lukewarm"}, {"temperature": None}, {"state": "sold"}, {"note": 5}, {"note": "x" * 5001}, {"tags": "hot"},
    {"tags": [999]}, {"tags": [True]}, {"tags": [-1]}, {"answers": {"999": "x"}}, {"answers": {"x": 1}}, {"answers": []},
    {"is_admin": True}, [], "x", 1,
]  # fmt: skip


def test_bad_notes_are_refused_and_change_nothing(client, session):
    cast = lead_stage(session)
    kept = scan(client, cast.a, cast.code)
    for details in BAD_DETAILS:
        rest(session)
        answer = note(client, cast.a, kept, details)
        assert answer.status_code == 422 and "林晓" not in answer.text, details
        beside = scan(client, cast.a, cast.code, details=details)
        assert not beside["ok"] and beside["error"] == "schema", details
    lead = session.scalar(select(Lead))
    assert (lead.stars, lead.temperature, lead.state, lead.note, lead.version) == (0, "", "new", "", 0)


ANSWERS: list[tuple[str, list[Any], list[Any]]] = [
    ("number", [0, 12.5, -3], ["５", "5", True, {}, 1e13]),
    ("single", ["soon"], ["never", ["soon"], 1]),
    ("multi", [["soon", "later"]], ["soon", ["never"], [1]]),
    ("text", ["<script>alert(1)</script>"], [1, ["x"], "x" * 2001]),
]


def test_answers_fit_their_question(client, session):
    cast = lead_stage(session)
    others = lead_setup.save_question(cast.b.stand.company_id, Wording("text", "Secret?"))
    kept = scan(client, cast.a, cast.code)
    for kind, good, bad in ANSWERS:
        wording = Wording(kind, f"{kind}?", ("soon", "later"), required=True)
        question = lead_setup.save_question(cast.a.stand.company_id, wording)
        rest(session)
        for value in good:
            receipt = note(client, cast.a, kept, {"answers": {str(question.id): value}}).json["receipts"][0]
            assert receipt["ok"] and receipt["lead"]["answers"][str(question.id)] == value
        for value in [*bad, None, ""]:
            assert note(client, cast.a, kept, {"answers": {str(question.id): value}}).status_code == 422, value
    assert note(client, cast.a, kept, {"answers": {str(others.id): "x"}}).status_code == 422


def test_broken_requests_end_in_a_clear_4xx(client, session):
    cast = lead_stage(session)
    head = {"Authorization": f"Bearer {cast.a.token}"}
    good = {"client_uuid": str(uuid.uuid4()), "code": cast.code}
    deep = b'{"scans":' + b"[" * 20_000
    for data, kind, status in (
        (b"{", "application/json", 400), (deep, "application/json", 400), (b'{"scans":[NaN]}', "application/json", 400),
        (b'{"scans":[],"scans":[]}', "application/json", 400), (b"{}", "text/plain", 415), (b"[]", "application/json", 400),
        (b'{"scans":[{}],"is_admin":true}', "application/json", 400), (b" " * 300_000, "application/json", 413),
    ):  # fmt: skip
        assert client.post("/api/lead/scans", data=data, content_type=kind, headers=head).status_code == status, data[:40]
    assert post(client, cast.a, "scans", {"scans": [good] * 51}).status_code == 400
    bad = [{**good, "client_uuid": "x"}, {**good, "code": 5}, {**good, "offline": 1}, {**good, "boss": 1}, 7, {**good, "device_seq": -1}]
    receipts = post(client, cast.a, "scans", {"scans": [*bad, good]}).json["receipts"]
    assert [r["ok"] for r in receipts] == [False] * 6 + [True]  # the good one among them is stored
    for at in ("1970-01-01T00:00:00Z", "2106-01-01T00:00:00Z", "yesterday", "NaN", 5, None):
        kept = scan(client, cast.a, cast.code, device_time=at)
        assert kept["ok"]
    assert client.post("/api/lead/scans", json={"scans": [good]}).status_code == 401
    gate = SimpleNamespace(token=cast.token)
    assert post(client, gate, "scans", {"scans": [good]}).status_code == 403
    assert client.post("/api/gate/scan", json=good, headers=head).status_code == 403


def test_a_device_sends_at_most_two_requests_a_second(client, session):
    cast = lead_stage(session)
    codes = [post(client, cast.a, "heartbeat", {}).status_code for _ in range(3)]
    assert codes == [200] * 3
    answers = [post(client, cast.a, "scans", {"scans": [{"client_uuid": str(uuid.uuid4()), "code": "x"}]}) for _ in range(40)]
    late = [a for a in answers if a.status_code == 429]
    assert 10 <= len(late) <= 22 and late[0].headers["Retry-After"]
    assert session.scalar(select(func.count()).select_from(LeadScan)) == 40 - len(late)
    assert post(client, cast.b, "scans", {"scans": [{"client_uuid": str(uuid.uuid4()), "code": "x"}]}).status_code == 200


def test_trying_codes_of_nobody_is_noticed(client, session):
    cast = lead_stage(session)
    items = [{"client_uuid": str(uuid.uuid4()), "code": "A" * 25 + sign} for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"]
    assert post(client, cast.a, "scans", {"scans": items}).status_code == 200
    assert session.scalar(select(AuditEntry.id).where(AuditEntry.action == "device.probing"))
    sign_in(client, cast.gate_user if hasattr(cast, "gate_user") else cast.admin)
    assert "Phone a" in client.get(f"{E}/leads/exhibitors/{cast.a.stand.id}").text


# -- notes -----------------------------------------------------------------------------------------------------------


def test_the_team_shares_a_lead_and_no_note_is_lost(client, session):
    cast = lead_stage(session)
    tag = lead_setup.add_tag(cast.a.stand.company_id, "wants a quote")
    _device, pairing = lead_setup.add_device(cast.a.stand, "Phone a2")
    colleague = SimpleNamespace(token=devices.pair(pairing)[1])
    session.commit()
    mine = scan(client, cast.a, cast.code, details={"temperature": "hot", "stars": 4, "note": "sample"})
    assert (mine["lead"]["stars"], mine["lead"]["note"]) == (4, "sample")
    theirs = scan(client, colleague, cast.code, details={"note": "wants a visit", "tags": [tag.id]})
    assert theirs["lead"]["note"] == "sample\nwants a visit" and theirs["lead"]["stars"] == 4
    seen = theirs["lead"]["version"]
    assert note(client, colleague, theirs, {"note": "rewritten"}, version=seen).json["receipts"][0]["lead"]["note"] == "rewritten"
    blind = note(client, cast.a, mine, {"note": "called"}, version=seen).json["receipts"][0]["lead"]
    assert blind["note"] == "rewritten\ncalled"
    by_number = post(client, cast.a, "details", {"edits": [{"lead_id": theirs["lead"]["id"], "details": {"state": "qualified"}}]})
    assert by_number.json["receipts"][0]["lead"]["state"] == "qualified"
    recent = client.get("/api/lead/recent", headers={"Authorization": f"Bearer {colleague.token}"}).json
    assert [x["id"] for x in recent["leads"]] == [mine["lead"]["id"]]
    assert recent["setup"]["tags"] == [{"id": tag.id, "name": "wants a quote"}]
    assert [m.name for m in queries.team(cast.a.stand.id)] == ["Phone a", "Phone a2"]


def test_a_changed_question_keeps_the_old_answers(session):
    cast = lead_stage(session)
    company = cast.a.stand.company_id
    first = lead_setup.save_question(company, Wording("single", "Budget?", ("yes", "no")))
    lead = leads._lead_of(cast.a.stand, cast.registration.id, "", "x", clock.now())
    leads.change(lead, leads.Details(answers={first.id: "yes"}), "x")
    second = lead_setup.save_question(company, Wording("single", "Budget this year?", ("yes", "no")), first)
    assert (second.version, second.key, first.retired_at is not None) == (2, first.key, True)
    assert queries.view_of(lead).answers == {first.id: "yes"}
    assert lead_setup.save_question(company, Wording("text", "Anything?"), second).id == second.id  # nobody answered it yet
    assert session.scalar(select(func.count()).select_from(LeadQuestion)) == 2
    with pytest.raises(SetupError):
        lead_setup.save_question(company, Wording("single", "One?", ("only",)))


# -- consent ---------------------------------------------------------------------------------------------------------


def test_consent_by_a_tap_counts_for_this_exhibitor_alone_and_is_told_to_the_visitor(client, session):
    cast = lead_stage(session)
    mine, others = scan(client, cast.a, cast.shy_code), scan(client, cast.b, cast.shy_code)
    old = note(client, cast.a, mine, {}, consent={"version": "lead-2025-9", "locale": "en"}).json["receipts"][0]
    assert not old["lead"]["released"]  # not the wording that is asked now
    done = note(client, cast.a, mine, {}, consent={"version": "lead-2026-2", "locale": "en", "at": clock.now().isoformat()})
    assert done.json["receipts"][0]["lead"]["visitor"]["name"] == "沉默先生"
    proof = session.scalars(select(LeadConsent)).one()
    assert (proof.granted, proof.text_version, proof.locale, proof.channel) == (True, "lead-2026-2", "en", "lead_device")
    told = session.scalars(select(Message).where(Message.template == "onsite_lead_agreed")).one()
    assert told.to_email == "shy@nowhere.example" and "/v/" in told.text
    assert not queries.view_of(session.get(Lead, others["lead"]["id"])).released
    fake = scan(client, cast.a, "A" * 26)
    answer = note(client, cast.a, fake, {}, consent={"version": "lead-2026-2", "locale": "zh"}).json["receipts"][0]
    assert answer["ok"] and not answer["lead"]["released"]
    lead_setup.set_policy(cast.edition, ["name"], 5, ask=False)
    session.commit()
    last = scan(client, cast.b, cast.shy_code, consent={"version": "lead-2026-2", "locale": "zh"})
    assert not last["lead"]["released"]  # the organizer does not want visitors to be asked at the stand


def test_a_visitor_sees_who_received_the_data_and_takes_them_back(client, session):
    cast = lead_stage(session)
    mine, others = scan(client, cast.a, cast.code), scan(client, cast.b, cast.code)
    scan(client, cast.a, cast.shy_code)
    token = links.page_token(cast.registration)
    session.commit()
    visitor = client.application.test_client()
    page = visitor.get(f"/v/{token}/recipients?lang=en").text
    assert "Beichen" in page and "Nordhafen" in page and "name, company, job title, phone, e-mail" in page
    assert visitor.post(f"/v/{token}/recipients/change", data={"action": "withdraw", "lead_id": "999"}).status_code == 404
    assert visitor.post(f"/v/{token}/recipients/change", data={"action": "sell", "lead_id": str(mine['lead']['id'])}).status_code == 422
    taken = {"action": "withdraw", "lead_id": str(mine["lead"]["id"])}
    assert visitor.post(f"/v/{token}/recipients/change", data=taken).status_code == 302
    assert visitor.post(f"/v/{token}/recipients/change", data=taken).status_code == 302  # twice is once
    told = session.scalars(select(Message).where(Message.template == "onsite_lead_withdrawn")).all()
    assert [m.to_email for m in told] == ["a@stand.example"] and "林晓" not in told[0].text + told[0].html + told[0].subject
    assert scan(client, cast.a, cast.code)["lead"]["visitor"] is None  # a further scan gives nothing
    sign_in(client, cast.a.user)
    for path in ("", f"/{mine['lead']['id']}", "?export=csv&edition=all", "?q=林"):
        text = client.get(f"/portal/{cast.a.stand.id}/leads{path}").get_data(as_text=True)
        assert "林晓" not in text.replace('value="林"', "") and "lin@hechuan" not in text, path
    assert queries.view_of(session.get(Lead, others["lead"]["id"])).released
    visitor.post(f"/v/{token}/recipients/change", data={"action": "withdraw_all"})
    assert not queries.view_of(session.get(Lead, others["lead"]["id"])).released
    told = session.scalars(select(Message.to_email).where(Message.template == "onsite_lead_withdrawn")).all()
    assert sorted(told) == ["a@stand.example", "b@stand.example"]  # the first one knew already
    page = visitor.get(f"/v/{token}/recipients?lang=en").text
    assert page.count("It had received") == 2 and "Take back from" not in page


def test_a_later_policy_holds_for_earlier_leads_and_older_wordings_give_less(client, session):
    cast = lead_stage(session)
    early = register(session, cast, "早先生", "早公司")
    early.person.country = "CN"
    agree(early, version="lead-2026-1")
    session.commit()
    new = scan(client, cast.a, cast.code)
    old = scan(client, cast.a, badges.code_of(badges.issue_badge(early)))
    lead_setup.set_policy(cast.edition, ["name", "country", "answers"], 5, True)
    session.commit()
    wide, narrow = (queries.view_of(session.get(Lead, x["lead"]["id"])) for x in (new, old))
    assert (wide.name, wide.email, wide.phone) == ("林晓", "", "") and wide.country and wide.function
    assert (narrow.name, narrow.country, narrow.function) == ("早先生", "", "")
    sign_in(client, cast.a.user)
    assert "林晓" not in client.get(f"/portal/{cast.a.stand.id}/leads?q=禾川").text  # company is not released: not searchable
    recipient = queries.recipients(cast.registration)[0]
    assert recipient.now == ("name", "country", "answers") and "phone" in recipient.ever


# -- tenants ---------------------------------------------------------------------------------------------------------


def test_another_exhibitor_gets_the_same_404_and_changes_nothing(client, session):
    cast = lead_stage(session)
    tag = lead_setup.add_tag(cast.b.stand.company_id, CANARY)
    question = lead_setup.save_question(cast.b.stand.company_id, Wording("text", f"{CANARY}?"))
    cast.b.device.name = CANARY
    session.commit()
    theirs = scan(client, cast.b, cast.code, details={"note": CANARY, "tags": [tag.id], "answers": {str(question.id): CANARY}})
    lead_id, device_id = theirs["lead"]["id"], cast.b.device.id
    scan(client, cast.a, cast.code)
    edit = {"edits": [{"lead_id": lead_id, "details": {"note": "hacked"}}]}
    assert post(client, cast.a, "details", edit).status_code == 404
    unknown = {"edits": [{"lead_id": 10**9, "details": {}}]}
    assert post(client, cast.a, "details", unknown).text == post(client, cast.a, "details", edit).text
    stolen = {"edits": [{"client_uuid": theirs["sent"]["client_uuid"], "details": {"note": "hacked"}}]}
    assert post(client, cast.a, "details", stolen).status_code == 404
    recent = client.get("/api/lead/recent", headers={"Authorization": f"Bearer {cast.a.token}"})
    assert CANARY not in recent.text
    sign_in(client, cast.a.user)
    a, b = cast.a.stand.id, cast.b.stand.id
    own = ["", "?edition=all", "?export=csv&edition=all", "/team", "/setup", "/devices", f"?tag={tag.id}"]
    foreign = [f"/{lead_id}", f"/questions/{question.id}", f"/devices/{device_id}", f"/devices/{device_id}/state/part"]
    for path in own:
        page = client.get(f"/portal/{a}/leads{path}")
        assert page.status_code == 200 and CANARY not in page.get_data(as_text=True), path
    for path in [*own, *foreign]:
        assert client.get(f"/portal/{b}/leads{path}").status_code == 404, path
    nothing = client.get(f"/portal/{a}/leads/999999")
    for path in foreign:
        page = client.get(f"/portal/{a}/leads{path}")
        assert (page.status_code, plain(page)) == (404, plain(nothing)), path
    writes = [
        (f"/{lead_id}", {"note": "hacked", "state": "won"}),
        (f"/tags/{tag.id}/retire", {}),
        (f"/questions/{question.id}", {"text": "hacked", "kind": "text"}),
        (f"/questions/{question.id}/change", {"action": "retire"}),
        (f"/devices/{device_id}/change", {"action": "revoke"}),
    ]
    for path, data in writes:
        for stand in (a, b):
            assert client.post(f"/portal/{stand}/leads{path}", data=data).status_code == 404, (stand, path)
    for path in ("/tags", "/questions/new", "/devices"):
        assert client.post(f"/portal/{b}/leads{path}", data={"tag": "x", "name": "x", "text": "x", "kind": "text"}).status_code == 404
    session.expire_all()
    lead = session.get(Lead, lead_id)
    assert (lead.note, lead.state) == (CANARY, "new") and session.get(Device, device_id).revoked_at is None
    assert session.get(type(tag), tag.id).retired_at is None and session.get(LeadQuestion, question.id).retired_at is None


def test_the_organizer_counts_and_sets_rules_but_reads_no_notes(client, session):
    cast = lead_stage(session)
    scan(client, cast.a, cast.code, details={"note": CANARY, "stars": 5})
    scan(client, cast.a, "A" * 26)
    sign_in(client, cast.admin)
    for path in ("/leads", "/leads?export=csv", "/leads/exhibitors", f"/leads/exhibitors/{cast.a.stand.id}"):
        page = client.get(E + path)
        assert page.status_code == 200 and CANARY not in page.get_data(as_text=True), path
    assert client.get(f"/e/fluid-2025/leads/exhibitors/{cast.a.stand.id}").status_code == 404
    assert client.post(f"{E}/leads/rules", data={"max_devices": "51"}).status_code == 422
    assert client.post(f"{E}/leads/rules", data={"max_devices": "1", "released": ["salary"]}).status_code == 422
    assert client.post(f"{E}/leads/rules", data={"max_devices": "1", "released": ["name"]}).status_code == 302
    assert queries.policy_of(cast.edition.id).fields == ("name",)
    with pytest.raises(SetupError):
        lead_setup.add_device(cast.a.stand, "one too many")
    url = f"{E}/leads/exhibitors/{cast.a.stand.id}/devices/{cast.a.device.id}/revoke"
    assert client.post(f"{E}/leads/exhibitors/{cast.b.stand.id}/devices/{cast.a.device.id}/revoke").status_code == 404
    assert client.post(url).status_code == 302
    assert client.get("/api/lead/recent", headers={"Authorization": f"Bearer {cast.a.token}"}).status_code == 401
    reader = client.application.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(f"{E}/leads/exhibitors").status_code == 200 and reader.get(f"{E}/leads/rules").status_code == 403
    assert reader.post(url).status_code == 403


# -- portal ----------------------------------------------------------------------------------------------------------


def test_the_portal_edits_a_lead_once_and_hands_out_files(client, session):
    cast = lead_stage(session)
    number = lead_setup.save_question(cast.a.stand.company_id, Wording("number", "How many?"))
    session.commit()
    made = scan(client, cast.a, cast.code, details={"temperature": "warm"})
    sign_in(client, cast.a.user)
    url = f"/portal/{cast.a.stand.id}/leads/{made['lead']['id']}"
    assert "林晓" in client.get(url).text
    good = {"version": "1", "state": "contacted", "temperature": "hot", "stars": "5", "note": "=1+1", f"q{number.id}": "１２,5"}
    assert client.post(url, data=good | {f"q{number.id}": "many"}).status_code == 422
    assert client.post(url, data=good | {"stars": "11"}).status_code == 422
    assert client.post(url, data=good).status_code == 302
    assert client.post(url, data=good | {"note": "late"}).status_code == 409  # a colleague was faster
    lead = session.get(Lead, made["lead"]["id"], populate_existing=True)
    assert (lead.state, lead.stars, lead.note, queries.view_of(lead).answers) == ("contacted", 5, "=1+1", {number.id: 12.5})
    file = client.get(f"/portal/{cast.a.stand.id}/leads?export=csv&edition=all&lang=en").get_data(as_text=True)
    assert "lin@hechuan.example" in file and "12.5" in file and "'=1+1" in file
    assert cast.code not in file and cast.badge.serial not in file
    assert session.scalar(select(AuditEntry.id).where(AuditEntry.action.like("%export%")))
    history = client.get(f"{url}?lang=en").text
    assert "Warm → Hot" in history and "Stand a" in history and "Phone a" in history


def test_devices_are_limited_shown_once_and_withdrawn(client, session):
    cast = lead_stage(session)
    sign_in(client, cast.a.user)
    url = f"/portal/{cast.a.stand.id}/leads/devices"
    assert client.post(url, data={"name": "\u3164"}).status_code == 422
    made = client.post(url, data={"name": "张伟"})
    assert made.status_code == 302 and "gate/pair/" in client.get(made.location).text
    for number in range(3):
        assert client.post(url, data={"name": f"n{number}"}).status_code == 302
    assert client.post(url, data={"name": "sixth"}).status_code == 422
    assert "gate/pair/" not in client.get(made.location).text  # shown to the browser that asked, until it asks for another
    assert client.post(f"{made.location}/change", data={"action": "revoke"}).status_code == 302
    assert client.post(url, data={"name": "sixth"}).status_code == 302
    assert client.post(f"{url}/{cast.a.device.id}/change", data={"action": "explode"}).status_code == 422
    phone = client.application.test_client()
    paired = phone.post(client.get(f"{url}/{cast.a.device.id}").location or "/gate/pair/none")
    assert paired.status_code in {404, 405, 410}


def test_the_whole_list_costs_the_same_for_one_and_for_many(client, session):
    from sqlalchemy import event

    from expo_crm.db import db

    cast = lead_stage(session)
    scan(client, cast.a, cast.code)
    sign_in(client, cast.a.user)
    url = f"/portal/{cast.a.stand.id}/leads"

    def cost() -> int:
        seen: list[str] = []
        event.listen(db.engine, "before_cursor_execute", note := lambda conn, cursor, statement, *_: seen.append(statement))
        assert client.get(url).status_code == 200
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    client.get(url)
    few = cost()
    for number in range(12):
        visitor = register(session, cast, f"观众{number}", "某公司")
        agree(visitor)
        leads._lead_of(cast.a.stand, visitor.id, "", "x", clock.now())
    session.commit()
    assert cost() == few


def test_visitors_see_to_whom_their_data_may_go(client, session):
    lead_stage(session)
    page = client.get("/r/fluid-2026/exhibitors?lang=en").text
    assert "Beichen" in page and "Nordhafen" in page and "Hechuan" not in page  # who did not book is not in it


# -- a device that was withdrawn by force ----------------------------------------------------------------------------


def test_what_a_withdrawn_device_held_waits_for_the_exhibitor(client, session):
    cast = lead_stage(session)
    before = scan(client, cast.a, cast.shy_code)
    devices.revoke(cast.a.device, wipe=True)
    rest(session)
    late = {"client_uuid": str(uuid.uuid4()), "code": cast.code, "device_time": clock.now().isoformat(), "details": {"stars": 4}}
    answer = post(client, cast.a, "scans", {"scans": [late, before["sent"], {**late, "client_uuid": "x"}]})
    assert answer.status_code == 200 and answer.headers["X-Expo-Wipe"] == "1"
    assert [(r["ok"], r.get("result"), r.get("lead")) for r in answer.json["receipts"][:2]] == [(True, "held", None), (True, "lead", None)]
    assert not answer.json["receipts"][2]["ok"] and "林晓" not in answer.text
    again = post(client, cast.a, "scans", {"scans": [late]}).json["receipts"][0]
    assert again["replayed"] and again["result"] == "held"
    other = post(client, cast.a, "scans", {"scans": [{**late, "code": cast.shy_code}]}).json["receipts"][0]
    assert other["error"] == "uuid_reused"
    edits = [
        {"client_uuid": late["client_uuid"], "details": {"note": "wants a pump"}},
        {"client_uuid": before["sent"]["client_uuid"], "details": {"note": "call back"}},
        {"lead_id": 10**9, "details": {"note": "x"}},
    ]
    assert [r["ok"] for r in post(client, cast.a, "details", {"edits": edits}).json["receipts"]] == [True, True, False]
    assert post(client, cast.a, "details", {"edits": edits[1:2] * 2}).status_code == 200
    assert post(client, cast.a, "heartbeat", {}).status_code == 401
    assert session.query(Lead).count() == 1 and session.scalars(select(Lead.note)).one() == ""

    stranger = client.application.test_client()
    sign_in(stranger, cast.b.user)
    page = f"/portal/{cast.a.stand.id}/leads/devices/{cast.a.device.id}"
    assert stranger.post(f"{page}/change", data={"action": "take"}).status_code == 404
    sign_in(client, cast.a.user)
    assert "2 readings and notes wait" in client.get(page).text
    assert client.post(f"{page}/change", data={"action": "take"}).status_code == 302
    session.expire_all()
    notes = {lead.registration_id: (lead.note, lead.stars) for lead in session.query(Lead)}
    assert notes[cast.registration.id] == ("wants a pump", 4) and ("call back", 0) in notes.values()
    assert {(h.state, str(h.item)) for h in session.query(HeldLead)} == {("accepted", "{}")}
    assert client.post(f"{page}/change", data={"action": "take"}).status_code == 302 and session.query(LeadScan).count() == 2

    rest(session)
    post(client, cast.a, "scans", {"scans": [{**late, "client_uuid": str(uuid.uuid4())}]})
    assert client.post(f"{page}/change", data={"action": "leave"}).status_code == 302
    assert session.query(LeadScan).count() == 2 and "wait for you" not in client.get(page).text


def test_the_company_page_tells_of_leads_staff_and_visits(client, session):
    cast = lead_stage(session)
    stand = cast.a.stand
    badges.issue_staff_badge(stand, "李站台")
    badges.issue_staff_badge(stand, "王站台")
    cast.registration.company_id = stand.company_id
    session.commit()
    scan(client, cast.a, cast.code)
    assert send(client, cast.token, cast.code).json["status"] == "admit"
    sign_in(client, cast.admin)
    page = client.get(f"/companies/{stand.company_id}?lang=en").get_data(as_text=True)
    for words in ("1 lead captured", "2 badges for stand staff", "1 of this company visited the show"):
        assert words in page, words
    other = client.get(f"/companies/{cast.b.stand.company_id}?lang=en").get_data(as_text=True)
    assert "lead captured" not in other and "stand staff" not in other and "visited the show" not in other
