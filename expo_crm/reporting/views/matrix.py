"""Companies × editions as a workbook: who took part when, on how many m²."""

from __future__ import annotations

from typing import Any

from flask import Response, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.reporting import queries
from expo_crm.sheets.write import write_xlsx
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, requires

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@requires(Permission.EXPORT, writes=True)
def participations() -> ResponseReturnValue:
    """One row per company that ever took part, one column per edition with its net m² (0 for a co-exhibitor, empty when absent)."""
    table = queries.participation_matrix(g.edition.show_id)
    companies = {
        c.id: c for c in db.session.scalars(select(Company).where(Company.id.in_([int(i) for i in table.index])))
    }
    headers = [_("Company"), _("City"), _("Editions"), *table.columns]
    rows: list[list[Any]] = [
        [i18n.bi(companies[number]), companies[number].city, sum(v is not None for v in values), *values]
        for number, values in (
            (int(i), [None if v != v else v for v in row]) for i, row in zip(table.index, table.to_numpy(), strict=True)
        )
    ]
    rows.sort(key=lambda row: (-row[2], row[0]))
    audit.record("participations.export", "list", None, edition_id=g.edition.id, changes={"rows": len(rows)})
    name = f"participations-{g.edition.show.code}.xlsx"
    body = b"".join(write_xlsx(rows, headers, _("Participations")))
    return Response(body, mimetype=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})
