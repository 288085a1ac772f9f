"""Arguments that Flask itself gives a meaning must not break a page."""

from __future__ import annotations

from tests.support.cast import play, sign_in


def test_arguments_with_names_of_flask_are_only_arguments(client, session):
    cast = play(session)
    sign_in(client, cast.sales)
    company = cast.companies[0].id
    for path in ("/companies", f"/companies/{company}", f"/companies/{company}/timeline", "/people", "/my-day"):
        for query in ("endpoint=x", "_external=1", "_scheme=ftp", "_method=POST", "_anchor=%3Cb%3E", "company_id=7", "q=%00&q=2"):
            response = client.get(f"{path}?{query}")
            assert response.status_code in (200, 302), (path, query)
