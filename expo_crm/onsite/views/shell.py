"""What makes a device page an app that opens without a network: service worker, web app manifest, icons."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from typing import Any

from flask import Response, abort, jsonify, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from PIL import Image, ImageDraw

from expo_crm.web.assets import DIST, manifest
from expo_crm.web.policy import public

# The pages that the service worker keeps. Each answers with ``shell()``.
PAGES = {"gate": "/gate", "kiosk": "/kiosk", "lead": "/lead", "print": "/print"}
SIZES = (180, 192, 512)
HEADER = "X-Expo-Shell"


@cache
def _worker() -> tuple[str, str]:
    """(build, script): the build changes whenever a file of the device pages does."""
    offline: dict[str, list[str]] = json.loads((DIST / "offline.json").read_text())
    files = sorted({name for names in offline.values() for name in names} | {manifest()["zxing_reader.wasm"]})
    source = (DIST / manifest()["sw.js"]).read_text()
    build = hashlib.sha256("\n".join([*files, source]).encode()).hexdigest()[:12]
    urls = [f"/static/dist/{name}" for name in files]
    head = f"const BUILD = {json.dumps(build)}, FILES = {json.dumps(urls)}, SHELLS = {json.dumps([*PAGES.values()])};\n"
    return build, head + source


def build() -> str:
    """The build of the device pages."""
    return _worker()[0]


def shell(template: str, **context: Any) -> Response:
    """A device page that may be kept for the time without a network. It needs layouts/_installable.html in its head."""
    response = make_response(render_template(template, device_build=build(), **context))
    response.headers[HEADER] = build()
    return response


def unpaired(template: str, **context: Any) -> Response:
    """What a browser sees that is no such device, or no longer: the page that was kept on it is not shown any more."""
    response = make_response(render_template(template, **context), 401)
    response.headers[HEADER] = "none"
    return response


@public()
def service_worker() -> ResponseReturnValue:
    response = Response(_worker()[1], mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@public()
def web_manifest(page: str) -> ResponseReturnValue:
    """The app that a device page becomes on the home screen."""
    if page not in PAGES:
        abort(404)
    names = {"gate": _("Gate"), "kiosk": _("Badge kiosk"), "lead": _("Lead capture"), "print": _("Print station")}
    found = {
        "id": PAGES[page],
        "name": f"{names[page]} · {_('Exhibition CRM')}",
        "short_name": names[page],
        "start_url": PAGES[page],
        "scope": PAGES[page],
        "display": "standalone",
        "orientation": "any",
        "background_color": "#0c1426",
        "theme_color": "#14213d",
        "icons": [
            {
                "src": url_for("onsite.device_icon", size=size),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for size in SIZES[1:]
            for purpose in ("any", "maskable")
        ],
    }
    response = jsonify(found)
    response.mimetype = "application/manifest+json"
    return response


@public()
def device_icon(size: int) -> ResponseReturnValue:
    if size not in SIZES:
        abort(404)
    response = Response(_icon(size), mimetype="image/png")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@cache
def _icon(size: int) -> bytes:
    """A hall with a tick, drawn four times as large and reduced, so that its edges are smooth. No transparent corner: a
    phone cuts the shape that it likes."""
    scale = size * 4 / 32
    picture = Image.new("RGB", (size * 4, size * 4), "#1f5fbf")
    draw = ImageDraw.Draw(picture)
    draw.polygon([(x * scale, y * scale) for x, y in ((8, 22.5), (8, 13.5), (16, 8.5), (24, 13.5), (24, 22.5))], fill="#ffffff")
    tick = [(x * scale, y * scale) for x, y in ((12.2, 16.8), (15, 19.6), (20, 14.2))]
    draw.line(tick, fill="#1f5fbf", width=round(1.9 * scale), joint="curve")
    out = io.BytesIO()
    picture.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
