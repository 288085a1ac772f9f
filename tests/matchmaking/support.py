"""An open edition with two exhibitors that offer and visitors who want."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock
from expo_crm.matchmaking.services import supply
from expo_crm.visitors.domain.registration import RegisterCommand
from expo_crm.visitors.services import registrations
from tests.visitors.support import open_cast


def market(session: Any, app: Any) -> SimpleNamespace:
    cast = open_cast(session)
    with app.test_request_context():
        cast.parts = []
        for company, node in zip(cast.companies, (cast.metering, cast.ball, cast.centrifugal), strict=False):
            part = Participation(
                edition_id=cast.edition.id, company_id=company.id, stands="H1-A01", created_at=clock.now()
            )
            session.add(part)
            session.flush()
            supply.set_offers(part, {node.id: "耐腐蚀设备"})
            cast.parts.append(part)
        cast.wanting = visitor(cast, "李若溪", [cast.metering.id])
        cast.other = visitor(cast, "王大力", [cast.ball.id], email="wang@x.example")
        session.commit()
    return cast


def visitor(cast: SimpleNamespace, name: str, nodes: list[int], **more: Any) -> Any:
    values: dict[str, Any] = {"email": "li@qingyuan.example", "function": "purchasing", "buying_role": "decide", **more}
    made = registrations.register(
        RegisterCommand(
            edition_id=cast.edition.id,
            name=name,
            company="清源水务集团",
            category_ids=tuple(nodes),
            mail=False,
            **values,
        )
    )
    db.session.commit()
    return made


def page_of(app: Any, registration: Any) -> str:
    from expo_crm.visitors.services import links

    with app.test_request_context():
        return "/v/" + links.page_token(registration)
