"""An edition that is open today, and the public form filled in."""

from __future__ import annotations

import datetime as dt
import html
import re
from types import SimpleNamespace
from typing import Any

from expo_crm.lib import clock
from tests.support.cast import play


def open_cast(session: Any) -> SimpleNamespace:
    """The fixed cast with the edition a month ahead."""
    cast = play(session)
    start = clock.now().date() + dt.timedelta(days=30)
    cast.edition.starts_on, cast.edition.ends_on = start, start + dt.timedelta(days=2)
    for i, day in enumerate(cast.edition.days):
        day.day = start + dt.timedelta(days=i)
    cast.edition.registration_opens_at = clock.now() - dt.timedelta(days=30)
    session.commit()
    cast.url = f"/r/{cast.edition.slug}"
    cast.staff = f"/e/{cast.edition.slug}"
    return cast


def form_key(page: str) -> str:
    found = re.search(r'name="form_key"[^>]*value="([^"]+)"', page) or re.search(
        r'value="([^"]+)"[^>]*name="form_key"', page
    )
    assert found, "no form key on the page"
    return html.unescape(found.group(1))


def answers(client: Any, cast: SimpleNamespace, **more: Any) -> dict[str, Any]:
    """What a visitor fills in, with the key of a freshly opened form."""
    page = client.get(cast.url).get_data(as_text=True)
    return {
        "form_key": form_key(page), "name": "李若溪", "company": "清源水务集团", "job_title": "采购经理", "email": "li@qingyuan.example",
        "phone": "138 0013 8000", "country": "CN", "city": "杭州", "function": "purchasing", "buying_role": "decide",
        "interests": [str(cast.metering.id)], "looking_for": "加药泵，耐腐蚀", **more,
    }  # fmt: skip


def send(client: Any, cast: SimpleNamespace, **more: Any) -> Any:
    return client.post(cast.url, data=answers(client, cast, **more))
