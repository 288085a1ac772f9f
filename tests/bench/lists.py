"""The visitors list: the whole page over HTTP against the two queries that it needs."""

from __future__ import annotations

import http.client
import re
import time
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

from tests.bench.report import Line, say
from tests.bench.stage import Stage
from tests.support.cast import PASSWORD

PAGE = """
SELECT r.id, r.number, r.name, r.company_name, r.job_title, r.source, r.submitted_at, r.state, c.name_zh
FROM registration r JOIN visitor_class c ON c.id = r.class_id
WHERE r.edition_id = %(edition)s {where} ORDER BY {order} LIMIT 50 OFFSET %(offset)s"""
COUNT = "SELECT count(*) FROM registration r WHERE r.edition_id = %(edition)s {where}"
NEWEST = "r.submitted_at DESC, r.id DESC"
CASES = (
    ("visitors list, first page", {}, NEWEST),
    ("visitors list, page 100", {"page": "100"}, NEWEST),
    ("visitors list by name", {"sort": "name"}, "r.sort_key, r.id DESC"),
    ("search, two Chinese characters", {"q": "张伟"}, NEWEST),
    ("search, pinyin initials", {"q": "zwm"}, NEWEST),
    ("search, company", {"q": "禾达泵业"}, NEWEST),
    ("search, nothing found", {"q": "qqqq"}, NEWEST),
)


class Browser:
    """A signed-in member of the staff on one kept connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, data: dict[str, str] | None = None) -> str:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), "Accept": "text/html"}
        body = None
        if data is not None:
            body, headers["Content-Type"] = urlencode(data), "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        text = answer.read().decode()
        for value in answer.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.split(";")[0]
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return text

    def sign_in(self, email: str) -> None:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.send("GET", "/sign-in"))
        assert found is not None
        self.send("POST", "/sign-in", {"email": email, "password": PASSWORD, "csrf_token": found[1]})


def run(on: Stage, port: int, big: int, *, rounds: int) -> list[Line]:
    browser = Browser(port)
    browser.sign_in("admin@example.com")
    out = []
    with on.connect() as connection:
        connection.autocommit = True
        for name, args, order in CASES:
            say(name)
            path = f"/e/{on.slug}/registrations?{urlencode(args, quote_via=quote)}"
            where = " AND r.search_key LIKE %(pattern)s" if "q" in args else ""
            values: dict[str, Any] = {
                "edition": on.edition_id,
                "pattern": f"%{args.get('q', '')}%",
                "offset": (int(args.get("page", "1")) - 1) * 50,
            }
            whole, bare = [], []
            for number in range(rounds + 1):
                start = time.perf_counter()
                text = browser.send("GET", path)
                middle = time.perf_counter()
                total = connection.execute(COUNT.format(where=where), values).fetchone()
                rows = connection.execute(PAGE.format(where=where, order=order), values).fetchall()
                end = time.perf_counter()
                if number:  # the first one warms up
                    whole.append((middle - start) * 1000)
                    bare.append((end - middle) * 1000)
                elif len(set(re.findall(r"/registrations/(\d+)", text))) != len(rows):
                    raise RuntimeError(f"{name}: the page shows other rows than the query")
            assert total is not None
            out.append(
                Line(
                    f"{name} ({total[0]:,} of {big:,})", f"{median(whole):.0f} ms", f"count and page alone {median(bare):.0f} ms",
                    f"{median(whole) / median(bare):.1f} ×",
                )
            )  # fmt: skip
    return out
