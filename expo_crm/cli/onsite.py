"""``flask onsite``: the show days from the console."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from expo_crm.db import unit_of_work
from expo_crm.onsite.services import rebuild as service
from expo_crm.shows import queries as shows

onsite = AppGroup("onsite", help="Show days: scans and figures.")


@onsite.command("rebuild")
@click.option("--edition", "slug", help="Only this edition (its short name); all without it.")
def rebuild(slug: str | None) -> None:
    """Recompute presence, verdicts, conflicts and counted hours from the scan log and report the difference, which should be none."""
    editions = [shows.find_edition(slug)] if slug else shows.list_editions()
    found = [(e.id, e.slug) for e in editions if e is not None]
    if slug and not found:
        raise click.ClickException(f"no edition {slug!r}")
    for edition_id, name in found:
        with unit_of_work():
            result = service.rebuild(edition_id)
        click.echo(
            f"{name}: {result.rows} rows, {result.differences} different"
            f" (missing {result.missing}, wrong {result.different}, without scans {result.surplus},"
            f" verdicts {result.verdicts}, hours {result.hours})"
        )
