"""A bare Flask application that stores scans by hand-written SQL: what the same servers can do without our code."""

from __future__ import annotations

import os
import threading
from typing import Any

import psycopg
from flask import Flask, Response, jsonify, request

from tests.bench import transaction

app = Flask("bare")
ADDRESS = os.environ["EXPO_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
_own = threading.local()  # one connection per thread, for good: cheaper than any pool


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_own, "connection"):
        _own.connection = psycopg.connect(ADDRESS)
    return _own.connection


@app.post("/api/gate/scan")
def scan() -> Response:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    return jsonify(transaction.run(_connection(), token, request.get_json()))


@app.get("/healthz")
def healthz() -> str:
    return "ok"
