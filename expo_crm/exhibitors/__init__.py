"""Phase 1: recruitment pipeline, booths, contracts, exhibitor portal."""

from __future__ import annotations

from flask import Flask

from expo_crm import jobs


def init_app(app: Flask) -> None:
    """Free expired holds in the background; follow the money with contract and stage."""
    from expo_crm.billing.services import payments
    from expo_crm.exhibitors.services import booths, contracts, importing

    jobs.register(app, "exhibitors.expire_holds", lambda _payload, _progress: {"freed": booths.expire_holds()})
    jobs.register(app, importing.PREVIEW_JOB, importing.preview_job)
    jobs.register(app, importing.LOAD_JOB, importing.load_job)
    payments.listen(app, contracts.follow_payment)
