"""A lane for the gates: when pages hang, the last thread of a process stays free for devices."""

from __future__ import annotations

import threading
import time

from flask import Flask, Response, g, request
from flask_babel import gettext as _

from expo_crm.config import WEB_THREADS
from expo_crm.web import errors

SLOW_SECONDS = 1.0
SLOW_MOST = 2
DEVICE_PATHS = ("/api/gate/", "/api/lead/", "/api/kiosk/", "/healthz")


class Lanes:
    """The requests of people that this process is busy with."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.since: dict[int, float] = {}

    def enter(self, key: int, now: float) -> bool:
        """Take a lane; False when so many hang that this one could take the last thread."""
        with self.lock:
            hanging = sum(now - since > SLOW_SECONDS for since in self.since.values())
            if hanging >= SLOW_MOST and len(self.since) >= WEB_THREADS - 1:
                return False
            self.since[key] = now
            return True

    def leave(self, key: int) -> None:
        with self.lock:
            self.since.pop(key, None)


def init_app(app: Flask) -> None:
    lanes = Lanes()

    @app.before_request
    def enter() -> Response | None:
        if request.endpoint == "static" or request.path.startswith(DEVICE_PATHS):
            return None
        if lanes.enter(id(request._get_current_object()), time.monotonic()):  # type: ignore[attr-defined]
            g.lane = id(request._get_current_object())  # type: ignore[attr-defined]
            return None
        out = errors.answer(
            503, _("Too many pages are waiting for the database. Please try again in a few seconds."), "busy"
        )
        out.headers["Retry-After"] = "2"
        return out

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if "lane" in g:
            lanes.leave(g.pop("lane"))
