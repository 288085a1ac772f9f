"""A survey from its template to its results, through the pages."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from expo_crm.followup.models import Survey, SurveyAnswer, SurveyInvitation
from expo_crm.jobs import services as jobs
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from tests.followup.play import after_the_show, exhibit
from tests.support.cast import sign_in


def made(client: Any, session: Any, cast: SimpleNamespace, template: str = "visitors") -> Survey:
    client.post("/e/fluid-2025/surveys", data={"template": template})
    return session.scalars(select(Survey).order_by(Survey.id.desc())).first()


def sent(client: Any, session: Any, cast: SimpleNamespace, template: str = "visitors") -> Survey:
    number = made(client, session, cast, template).id
    assert client.post(f"/e/fluid-2025/surveys/{number}/send").status_code == 302
    jobs.run_all()
    return session.get(Survey, number)


def links(session: Any) -> dict[str, str]:
    """E-mail → path of the newest personal link in the outbox."""
    out = {}
    for message in session.scalars(select(Message).where(Message.template.like("followup%")).order_by(Message.id)):
        out[message.to_email] = re.search(r"(/s/[\w-]+)", message.text).group(1)
    return out


def answers(survey: Survey, rating: int = 9, **others: Any) -> dict[str, Any]:
    """A full set of right answers, by the form's names."""
    out: dict[str, Any] = {}
    for q in survey.questions:
        if q.kind == "nps":
            out[f"q{q.id}"] = str(rating)
        elif q.kind == "scale":
            out[f"q{q.id}"] = "4"
        elif q.kind != "text":
            out[f"q{q.id}"] = q.options[0]["code"]
    return {**out, **others}


def test_only_those_who_came_are_asked_in_their_language(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = made(client, session, cast)
    page = client.get(f"/e/fluid-2025/surveys/{survey.id}?lang=en").get_data(as_text=True)
    assert "Send to 3 recipients" in page
    assert "Did not come or exhibit" in page and "No e-mail address" in page
    client.post(f"/e/fluid-2025/surveys/{survey.id}/send")
    jobs.run_all()
    mails = {m.to_email: m for m in session.scalars(select(Message).where(Message.template == "followup_survey"))}
    assert set(mails) == {"v1@visit.example", "v2@visit.example", "v3@visit.example"}
    assert "how was it" in mails["v3@visit.example"].subject
    assert "how was it" not in mails["v1@visit.example"].subject


def test_sending_twice_asks_nobody_twice(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = sent(client, session, cast)
    again = client.post(f"/e/fluid-2025/surveys/{survey.id}/send")
    assert again.status_code == 409
    jobs.enqueue("followup.send_survey", {"survey_id": survey.id})
    session.commit()
    jobs.run_all()
    assert len(session.scalars(select(SurveyInvitation)).all()) == 3
    assert len(session.scalars(select(Message).where(Message.template == "followup_survey")).all()) == 3


def test_one_person_with_two_registrations_is_asked_once(client, session):
    cast = after_the_show(session)
    cast.came[1].person_id = cast.came[0].person_id
    session.commit()
    sign_in(client, cast.sales)
    sent(client, session, cast)
    assert sorted(links(session)) == ["v1@visit.example", "v3@visit.example"]


def test_exhibitors_are_asked_through_their_main_contact(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = made(client, session, cast, "exhibitors")
    page = client.get(f"/e/fluid-2025/surveys/{survey.id}?lang=en").get_data(as_text=True)
    assert "Send to 1 recipient" in page  # of three exhibitors only one has a contact
    client.post(f"/e/fluid-2025/surveys/{survey.id}/send")
    jobs.run_all()
    assert list(links(session)) == ["chen@hechuan.example"]


def test_a_represented_company_and_a_cancelled_one_are_not_asked(client, session):
    cast = after_the_show(session)
    from tests.followup.play import company

    exhibit(session, cast.previous, company(session, "代理", email="r@x.example"), role="represented")
    exhibit(session, cast.previous, company(session, "取消", email="c@x.example"), outcome="cancelled")
    session.commit()
    sign_in(client, cast.sales)
    sent(client, session, cast, "exhibitors")
    assert list(links(session)) == ["chen@hechuan.example"]


def test_a_response_is_saved_in_parts_and_sent_once(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = sent(client, session, cast)
    link = links(session)["v1@visit.example"]
    nps = next(q for q in survey.questions if q.kind == "nps")
    phone = client.application.test_client()
    assert phone.get(link).status_code == 200
    assert phone.post(f"{link}/save", data={f"q{nps.id}": "8"}).status_code == 204
    assert "checked" in phone.get(link).get_data(as_text=True)
    bad = phone.post(link, data={f"q{nps.id}": "11"})
    assert bad.status_code == 422
    assert session.scalars(select(SurveyAnswer.number)).all() == [8]  # a refused form changes nothing
    assert phone.post(link, data=answers(survey, 10)).status_code == 302
    before = session.scalars(select(SurveyAnswer.number).where(SurveyAnswer.question_id == nps.id)).all()
    assert before == [10]
    # Passed on or opened again: one response per key.
    other = client.application.test_client()
    assert other.post(link, data=answers(survey, 0)).status_code == 200
    assert other.post(f"{link}/save", data={f"q{nps.id}": "0"}).status_code == 409
    assert session.scalars(select(SurveyAnswer.number).where(SurveyAnswer.question_id == nps.id)).all() == [10]


@pytest.mark.parametrize("token", ["x", "a" * 300, "%00", "..%2f"])
def test_a_wrong_link_is_a_plain_not_found(client, session, token):
    assert client.get(f"/s/{token}").status_code == 404
    assert client.post(f"/s/{token}", data={"q1": "5"}).status_code == 404


def test_a_closed_survey_says_so_kindly(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = sent(client, session, cast)
    link = links(session)["v1@visit.example"]
    client.post(f"/e/fluid-2025/surveys/{survey.id}/close")
    for answer in (client.get(f"{link}?lang=en"), client.post(link, data=answers(session.get(Survey, survey.id)))):
        assert answer.status_code == 410
        assert "This survey is over" in answer.get_data(as_text=True)
    assert session.scalars(select(SurveyAnswer)).all() == []


def test_a_closing_moment_is_that_of_the_show(client, session, monkeypatch):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = made(client, session, cast)
    form = {"title_zh": "问卷", "title_en": "Survey", "intro_zh": "", "intro_en": ""}
    day = (clock.now() + dt.timedelta(days=3)).date()
    client.post(f"/e/fluid-2025/surveys/{survey.id}", data={**form, "last_day": day.isoformat()})
    number = survey.id
    assert session.get(Survey, number).closes_at == dt.datetime.combine(day, dt.time(16), dt.UTC)  # 24:00 in Shanghai
    client.post(f"/e/fluid-2025/surveys/{number}/send")
    jobs.run_all()
    link = links(session)["v1@visit.example"]
    assert client.get(link).status_code == 200
    session.get(Survey, number).closes_at = clock.now()
    session.commit()
    assert client.get(link).status_code == 410


def test_a_reminder_goes_to_the_silent_with_the_same_link(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = sent(client, session, cast)
    first = links(session)
    client.post(first["v1@visit.example"], data=answers(session.get(Survey, survey.id)))
    client.post(f"/e/fluid-2025/surveys/{survey.id}/remind")
    jobs.run_all()
    reminders = session.scalars(select(Message).where(Message.template == "followup_reminder")).all()
    assert sorted(m.to_email for m in reminders) == ["v2@visit.example", "v3@visit.example"]
    assert links(session) == first
    assert sorted(session.scalars(select(SurveyInvitation.reminders))) == [0, 1, 1]


def test_who_declines_is_never_asked_again(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    sent(client, session, cast)
    client.post(links(session)["v1@visit.example"] + "/decline")
    assert client.get(links(session)["v1@visit.example"]).status_code == 410
    second = made(client, session, cast)
    page = client.get(f"/e/fluid-2025/surveys/{second.id}?lang=en").get_data(as_text=True)
    assert "Send to 2 recipients" in page and "Does not want surveys" in page


def test_results_show_nps_n_interval_and_groups(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = sent(client, session, cast)
    found = links(session)
    text = next(q for q in survey.questions if q.kind == "text")
    client.post(found["v1@visit.example"], data=answers(survey, 10, **{f"q{text.id}": "<b>更多</b>阀门"}))
    client.post(found["v3@visit.example"], data=answers(survey, 3))
    page = client.get(f"/e/fluid-2025/surveys/{survey.id}/results?lang=en").get_data(as_text=True)
    assert "66.7%" in page  # 2 complete of 3 delivered
    assert "+0.0" in page and "n = 2" in page and "n &lt; 30" in page
    assert "&lt;b&gt;更多&lt;/b&gt;阀门" in page
    assert "Hosted buyer" in page
    only = client.get(f"/e/fluid-2025/surveys/{survey.id}/results?lang=en&group=trade").get_data(as_text=True)
    assert "+100.0" in only
    export = client.get(f"/e/fluid-2025/surveys/{survey.id}/results?lang=en&export=csv").get_data(as_text=True)
    assert len(export.strip().splitlines()) == 3 and "更多" in export and "v1@" not in export


def test_a_sent_survey_keeps_its_questions(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = sent(client, session, cast)
    question = session.get(Survey, survey.id).questions[0]
    base = f"/e/fluid-2025/surveys/{survey.id}"
    assert client.get(f"{base}/questions/{question.id}").status_code == 409
    assert client.post(f"{base}/questions/{question.id}/drop").status_code == 409
    assert client.post(f"{base}/delete").status_code == 409


def test_a_draft_is_edited_question_by_question(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = made(client, session, cast)
    base = f"/e/fluid-2025/surveys/{survey.id}"
    first, second = survey.questions[0].id, survey.questions[1].id
    client.post(f"{base}/questions/{second}/up")
    assert [q.id for q in session.get(Survey, survey.id).questions][:2] == [second, first]
    client.post(f"{base}/questions/{second}/drop")
    assert second not in [q.id for q in session.get(Survey, survey.id).questions]
    bad = client.post(
        f"{base}/questions/new", data={"kind": "choice", "label_zh": "甲", "label_en": "A", "options": "one"}
    )
    assert bad.status_code == 422
    data = {"kind": "choice", "label_zh": "甲", "label_en": "A", "options": "一 | one\n二 | two", "required": "y"}
    assert client.post(f"{base}/questions/new", data=data).status_code == 302
    last = session.get(Survey, survey.id).questions[-1]
    assert [o["en"] for o in last.options] == ["one", "two"]
    assert client.get(f"{base}/preview").status_code == 200
    assert client.post(f"/e/fluid-2026/surveys/{survey.id}/send").status_code == 404  # another edition's


def test_readers_look_and_do_not_send(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = made(client, session, cast)
    reader = client.application.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(f"/e/fluid-2025/surveys/{survey.id}").status_code == 200
    assert reader.post(f"/e/fluid-2025/surveys/{survey.id}/send").status_code == 403
    assert reader.post("/e/fluid-2025/surveys", data={"template": "visitors"}).status_code == 403


def test_no_template_no_survey(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    assert client.post("/e/fluid-2025/surveys", data={"template": "../x"}).status_code == 422
    assert session.scalars(select(Survey)).all() == []


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30", "x"])
def test_an_impossible_last_day_is_refused_and_the_input_kept(client, session, day):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    survey = made(client, session, cast)
    form = {"title_zh": "新题目", "title_en": "New title", "intro_zh": "", "intro_en": "", "last_day": day}
    answer = client.post(f"/e/fluid-2025/surveys/{survey.id}", data=form)
    assert answer.status_code == 422 and "新题目" in answer.get_data(as_text=True)
    assert session.get(Survey, survey.id).title_zh != "新题目"
