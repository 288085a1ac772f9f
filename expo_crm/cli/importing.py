"""``flask import``: lists from files, without the browser."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from expo_crm.db import db, unit_of_work
from expo_crm.exhibitors import import_words as words
from expo_crm.exhibitors.models import ImportBatch, ImportRow
from expo_crm.exhibitors.services import importing
from expo_crm.sheets.blob import Blob
from expo_crm.sheets.errors import SheetRefused
from expo_crm.shows import queries as shows
from expo_crm.web import i18n

importer = AppGroup("import", help="Load lists from files.")


class DryRun(Exception):
    """Ends the transaction of a dry run."""


@importer.command("exhibitors")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--edition", required=True, help="The edition's short name, as in its address.")
@click.option("--dry-run", is_flag=True, help="Check every row and store nothing.")
@click.option(
    "--conflicts", type=click.Choice(["skip", "new", "match"]), default="skip", show_default=True,
    help="Rows that look like a known company: leave out, make a new company, or take the likeliest one.",
)  # fmt: skip
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help="Say which column a field is.")
@click.option("--encoding", default=None)
@click.option("--delimiter", default=None)
@click.option("--sheet", default=None)
@click.option("--header-line", type=int, default=None, help="0: the file has no header.")
@click.option(
    "--refused",
    "refused_to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what did not land to this CSV.",
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def exhibitors(
    file: Path,
    edition: str,
    dry_run: bool,
    conflicts: str,
    pairs: tuple[str, ...],
    refused_to: Path | None,
    lang: str,
    **options: Any,
) -> None:
    """Load an exhibitor list (CSV or XLSX) into an edition, all of it in one transaction."""
    with i18n.in_locale(lang):
        try:
            with unit_of_work():
                _run(file, edition, conflicts, pairs, refused_to, options)
                if dry_run:
                    raise DryRun
        except DryRun:
            click.echo("Dry run: nothing was stored.")
        except SheetRefused as error:
            raise click.ClickException(words.file_refused(error)) from None
        except importing.ImportRefused as error:
            raise click.ClickException(words.step_refused(error)) from None


def _run(
    file: Path, slug: str, conflicts: str, pairs: tuple[str, ...], refused_to: Path | None, options: dict[str, Any]
) -> None:
    edition = shows.find_edition(slug)
    if edition is None:
        raise click.ClickException(f"there is no edition {slug!r}")
    started = time.monotonic()
    batch = importing.create_batch(edition.id, file.name, Blob(path=file), options, at_once=True)
    table = importing.open_batch(batch)
    mapping = importing.sure_mapping(table) | dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    batch.mapping = importing.check_mapping(table, mapping)
    click.echo(
        f"{file.name}: {table.row_count:,} rows, "
        + (f"sheet {table.sheet!r}" if table.sheet else f"{table.encoding}, delimiter {table.delimiter!r}")
        + f", header in line {table.header_line}"
    )
    for field, header in batch.mapping.items():
        click.echo(f"  {words.field_label(field)} ← {header}")
    importing.preview(batch, _show("checking"))
    checked = time.monotonic()
    importing.decide_all(batch, conflicts)
    totals = {key: batch.totals.get(key, 0) for key in ("rows", "new", "match", "conflict", "refused")}
    loaded = importing.load(batch, _show("storing"))
    click.echo(f"  checked: {_listed(totals)} ({checked - started:.1f} s)")
    click.echo(
        f"  stored:  {_listed({k: n for k, n in loaded.items() if n}) or 'nothing new'} ({time.monotonic() - checked:.1f} s)"
    )
    _report(batch, refused_to)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {key.replace('_', ' ')}" for key, count in counts.items())


def _show(what: str) -> importing.Progress:
    def tell(done: int, total: int, _label: str) -> None:
        if sys.stdout.isatty():
            click.echo(f"\r  {what} {done:,} / {total:,}", nl=done >= total)

    return tell


def _report(batch: ImportBatch, refused_to: Path | None) -> None:
    """Every row that did not land, with its reason: the first fifty here, all of them in the file."""
    query = (
        select(ImportRow)
        .where(ImportRow.batch_id == batch.id, (ImportRow.verdict == "refused") | (ImportRow.decision == "skip"))
        .order_by(ImportRow.line)
    )
    rows = [
        (row.line, words.row_reason(row.verdict, row.reason, row.detail, batch.mapping), _named(row))
        for row in db.session.scalars(query)
    ]
    for line, reason, name in rows[:50]:
        click.echo(f"  line {line}: {reason} {name}")
    if len(rows) > 50:
        click.echo(f"  … and {len(rows) - 50:,} more")
    if refused_to:
        with refused_to.open("w", newline="", encoding="utf-8-sig") as out:
            csv.writer(out).writerows([("line", "reason", "company"), *rows])


def _named(row: ImportRow) -> str:
    own = row.data.get("name_zh") or row.data.get("name_en") or ""
    other = [c.get("name_zh") or c.get("name_en") or "" for c in row.detail.get("candidates", ())][:2]
    return f"({own} ~ {' / '.join(other)})" if other else f"({own})" if own else ""
