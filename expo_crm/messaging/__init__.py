"""Outbox: messages, deliveries and the channel that sends them."""

from __future__ import annotations

from flask import Flask

from expo_crm import jobs


def init_app(app: Flask) -> None:
    from expo_crm.messaging import services

    jobs.register(app, "messaging.deliver", lambda _payload, progress: services.deliver_due())
