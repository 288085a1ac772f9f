"""What follow-up shows on the page of a company."""

from __future__ import annotations

from expo_crm.followup.models import Case, RetentionCase, SurveyInvitation
from expo_crm.lib import clock
from tests.followup.play import after_the_show, work
from tests.followup.test_surveys import answers, links, made
from tests.support.cast import sign_in


def test_the_company_page_tells_of_surveys_cases_and_risk(client, session):
    cast = after_the_show(session)
    sign_in(client, cast.sales)
    company = cast.companies[0]
    number = made(client, session, cast, "exhibitors").id
    client.post(f"/e/fluid-2025/surveys/{number}/send")
    work(session, cast)
    survey = session.query(SurveyInvitation).one().survey
    client.post(links(session)["chen@hechuan.example"], data=answers(survey, 3))
    session.add(
        Case(
            edition_id=cast.previous.id, company_id=company.id, kind="complaint", subject="断电", created_at=clock.now()
        )
    )
    session.add(
        RetentionCase(
            edition_id=cast.edition.id,
            company_id=company.id,
            score=35,
            reasons=[{"code": "wont_return", "points": 35, "params": {}}],
            created_at=clock.now(),
        )
    )
    session.commit()
    page = client.get(f"/companies/{company.id}?lang=en").get_data(as_text=True)
    for words in (
        "Survey answered",
        "3 of 10",
        "Complaint: 断电",
        "Flagged as at risk",
        "Says it will not return",
        "Open a case",
    ):
        assert words in page, words
