"""Response headers: a strict Content-Security-Policy and its company."""

from __future__ import annotations

from flask import Flask, Response, make_response, request
from flask.typing import ResponseReturnValue

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
    " connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
# Decoding QR codes needs WebAssembly, and only the scanner pages need that and the camera.
CSP_SCANNER = CSP.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
CSP_DATA = "default-src 'none'; frame-ancestors 'none'"
SCANNER_PATHS = ("/gate", "/lead", "/kiosk")


def allow_camera(page: ResponseReturnValue) -> Response:
    """The same page as a scanner page: with the camera and WebAssembly. For a view whose address says nothing of it."""
    response = make_response(page)
    response.headers["Content-Security-Policy"] = CSP_SCANNER
    response.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    return response


def init_app(app: Flask, *, https: bool) -> None:
    @app.after_request
    def headers(response: Response) -> Response:
        if request.path.startswith("/api/"):  # data for programs, many times a second: nothing that a page would need
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("Content-Security-Policy", CSP_DATA)
            response.headers.setdefault("Cache-Control", "private, no-cache")
            return response
        scanner = request.path.startswith(SCANNER_PATHS)
        response.headers.setdefault("Content-Security-Policy", CSP_SCANNER if scanner else CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault(
            "Referrer-Policy", "no-referrer" if not request.path.startswith("/static") else "same-origin"
        )
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", f"camera=({'self' if scanner else ''}), microphone=(), geolocation=()"
        )
        if https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if request.path.startswith("/static/dist/"):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            response.headers.setdefault(
                "Cache-Control", "no-store" if response.mimetype == "text/html" else "private, no-cache"
            )
        return response
