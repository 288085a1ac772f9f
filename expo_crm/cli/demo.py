"""``flask demo``: the demonstration show, with its progress."""

from __future__ import annotations

import datetime as dt
import sys
import time

import click

from expo_crm.db import unit_of_work
from expo_crm.demo.load import NotEmpty, load


@click.command("demo")
@click.option("--seed", default=2026, show_default=True, help="Another seed makes another show.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), default=None, help="The day the demo takes as today.")
def demo(seed: int, today: dt.datetime | None) -> None:
    """Make the demonstration show: four past editions and the coming one."""
    started = time.monotonic()
    click.echo("Making the demonstration show …")
    written = 0

    def progress(rows: int) -> None:
        nonlocal written
        written += rows
        if sys.stdout.isatty():
            click.echo(f"\r  {written:>9,} rows", nl=False)

    try:
        with unit_of_work():
            counts = load(seed, today.date() if today else dt.date.today(), lambda text: click.echo(f"  {text}"), progress)
    except NotEmpty:
        raise click.ClickException("there are editions already; the demonstration show is only made in an empty database") from None
    click.echo(f"\r  {sum(counts.values()):,} rows in {len(counts)} tables, {time.monotonic() - started:.0f} s")
