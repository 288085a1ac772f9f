"""The one process that keeps time: APScheduler ticks put jobs into the ledger, the loop runs what is due.

A second such process is harmless: a tick is one row per (kind, due time), and a job is claimed by a conditional update.
"""

from __future__ import annotations

import datetime as dt
import logging
import signal
import threading

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from expo_crm.db import unit_of_work
from expo_crm.jobs import services as jobs
from expo_crm.lib import clock

log = logging.getLogger(__name__)

# kind → seconds between two runs
TICKS: dict[str, int] = {
    "messaging.deliver": 15,
    "exhibitors.expire_holds": 60,
    "exhibitors.waiting_list": 60,
    "exhibitors.expire_rights": 3600,
    "exhibitors.expire_quotes": 3600,
    "exhibitors.follow_prices": 3600,
    "onsite.count_hours": 60,
    "onsite.snapshots": 60,
    "onsite.watch_capacity": 15,
    "jobs.tidy": 3600,
    "billing.dunning": 24 * 3600,
    "exhibitors.remind_tasks": 24 * 3600,
    "directory.measure_quality": 24 * 3600,
    "directory.run_pool": 24 * 3600,
    "matchmaking.expire": 3600,
    "onsite.close_zones": 300,
    "onsite.event_offers": 300,
}


def tick(kind: str, seconds: int) -> None:
    """Put the current slot of a periodic job into the ledger; slots missed while asleep are not made up for."""
    now = int(clock.now().timestamp())
    slot = dt.datetime.fromtimestamp(now - now % seconds, dt.UTC)
    with unit_of_work():
        jobs.enqueue_tick(kind, slot)


def run(app: Flask, *, idle_seconds: float = 0.5) -> None:
    """Run until SIGTERM or SIGINT; the job under way is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def in_app(kind: str, seconds: int) -> None:
        with app.app_context():
            try:
                tick(kind, seconds)
            except Exception:
                log.exception("tick %s", kind)

    scheduler = BackgroundScheduler(timezone=dt.UTC)
    for kind, seconds in TICKS.items():
        scheduler.add_job(in_app, "interval", seconds=seconds, args=(kind, seconds), max_instances=1, coalesce=True)
    scheduler.start()
    log.info("worker ready")
    while not stop.is_set():
        with app.app_context():
            try:
                busy = jobs.run_next()
            except Exception:
                log.exception("worker loop")
                busy = False
        if not busy:
            stop.wait(idle_seconds)
    scheduler.shutdown(wait=False)
