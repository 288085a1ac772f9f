"""Phase 1: recruitment pipeline, booths, contracts, exhibitor portal."""

from __future__ import annotations

from flask import Flask

from expo_crm import jobs


def init_app(app: Flask) -> None:
    """Free expired holds in the background; follow the money with contract and stage."""
    from expo_crm.billing.services import payments
    from expo_crm.exhibitors.services import booths, contracts

    jobs.register(app, "exhibitors.expire_holds", lambda _payload, _progress: {"freed": booths.expire_holds()})
    payments.listen(app, contracts.follow_payment)
