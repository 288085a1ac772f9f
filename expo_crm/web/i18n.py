"""Language of a request, and the filters that show numbers, money and moments in it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, Domain, force_locale, format_datetime, format_timedelta, get_locale

LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
NAMES = {"zh": "中文", "en": "English"}
babel = Babel()


class Catalogues(Domain):
    """Finds the catalogue of a request once, not anew for each of the hundreds of words of a page.

    Kept where flask-babel forgets it when a request changes its language (``refresh``, ``force_locale``).
    """

    def get_translations(self) -> NullTranslations:
        context = g.get("_flask_babel") if g else None
        found: NullTranslations | None = getattr(context, "babel_translations", None)
        if found is None:
            found = super().get_translations()
            if context is not None:
                context.babel_translations = found
        return found


def init_app(app: Flask) -> None:
    root = Path(__file__).resolve().parent.parent
    catalogues = sorted(str(p) for p in root.glob("**/translations") if p.is_dir())
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(catalogues) or "translations"
    app.config["BABEL_DEFAULT_LOCALE"] = "zh_Hans_CN"
    babel.init_app(app, locale_selector=select, timezone_selector=lambda: current_zone().key)
    babel.domain_instance = Catalogues()
    app.after_request(_remember)
    app.jinja_env.filters.update(
        bi=bi, money=money, number=number, percent=percent, m2=m2, date=date, datetime=datetime_, time=time_, ago=ago,
        country=country_name,
    )
    app.context_processor(lambda: {"locale": locale(), "other_locale_url": other_locale_url(), "locale_names": NAMES})


def select() -> str:
    """Order: ?lang=, cookie, the signed-in person's choice, the browser, Chinese."""
    if not has_request_context():
        return LOCALES["zh"]
    for wanted in (request.args.get("lang"), request.cookies.get("lang"), g.get("preferred_locale")):
        if wanted in LOCALES:
            return LOCALES[wanted]
    best = request.accept_languages.best_match(["zh", "zh-CN", "zh-Hans", "zh-TW", "en"], default="zh")
    return LOCALES[(best or "zh")[:2]]


def locale() -> str:
    """``zh`` or ``en``."""
    found = get_locale()
    return "en" if found is not None and found.language == "en" else "zh"


def in_locale(code: str) -> Any:
    """Context manager: render in the recipient's language, whoever is asking."""
    return force_locale(LOCALES.get(code, LOCALES["zh"]))


def other_locale_url() -> str:
    if not has_request_context() or request.endpoint is None or request.method != "GET":
        return ""
    other = "en" if locale() == "zh" else "zh"
    return same_page({**request.args.to_dict(flat=True), "lang": other})


def same_page(args: dict[str, str]) -> str:
    """The address of the page that is shown, with other arguments.

    They are joined here and not given to ``url_for``, which takes names as ``endpoint`` or ``_external`` for its own.
    """
    path = request.script_root + request.path
    return f"{path}?{urlencode(args)}" if args else path


def _remember(response: Response) -> Response:
    if b"lang=" in request.query_string and request.args.get("lang") in LOCALES:
        response.set_cookie("lang", request.args["lang"], max_age=31536000, samesite="Lax", httponly=True)
    return response


# As they stand in forms and lists in China; CLDR writes one of the three with "China" and one without.
CHINESE_NAMES = {"HK": "中国香港", "MO": "中国澳门", "TW": "中国台湾"}


@lru_cache(maxsize=4)
def countries(language: str) -> dict[str, str]:
    """Two-letter code → name of the country or region in ``zh`` or ``en``. Not to be changed by the caller."""
    known = Locale.parse("zh_Hans_CN" if language == "zh" else "en").territories
    skipped = {"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"}  # groups and codes of nobody
    names = {str(c): str(n) for c, n in known.items() if len(c) == 2 and c.isalpha() and c not in skipped}
    return {**names, **CHINESE_NAMES} if language == "zh" else names


def country_name(code: str) -> str:
    """The country in the reader's language; an unknown code stays as it is."""
    return countries(locale()).get(code, code)


def current_zone() -> ZoneInfo:
    """The venue's zone where the page belongs to an edition, otherwise the organizer's."""
    edition = g.get("edition") if has_request_context() else None
    return ZoneInfo(edition.timezone if edition is not None else "Asia/Shanghai")


def bi(obj: Any, attribute: str = "name") -> str:
    """``attribute_zh`` or ``attribute_en`` by language, falling back to the other one."""
    if obj is None:
        return ""
    first, second = ("en", "zh") if locale() == "en" else ("zh", "en")
    get = obj.get if isinstance(obj, dict) else lambda key: getattr(obj, key)
    return get(f"{attribute}_{first}") or get(f"{attribute}_{second}") or ""


def money(value: Decimal | None, currency: str = "CNY") -> str:
    return "–" if value is None else _money(Decimal(value) or Decimal(0), currency, locale())


# Babel reads a pattern anew for each value; lists say the same few amounts and days again and again. Zero comes in without a sign, as
# the two zeros are one key.
@lru_cache(maxsize=8192)
def _money(value: Decimal, currency: str, code: str) -> str:
    whole = value == value.to_integral_value()
    pattern = "¤#,##0" if whole else "¤#,##0.00"
    wanted = LOCALES["zh"] if currency == "CNY" else LOCALES[code]
    return format_currency(value, currency, pattern, locale=wanted, currency_digits=False)


def number(value: Any) -> str:
    return "–" if value is None else _number(value or 0, locale())


@lru_cache(maxsize=8192)
def _number(value: Any, code: str) -> str:
    return format_decimal(value, locale=LOCALES[code])


def percent(value: float | None, digits: int = 1) -> str:
    if value is None:
        return "–"
    return format_percent(value, format=f"0.{'0' * digits}%" if digits else "0%", locale=get_locale())


def m2(value: Any) -> str:
    return "–" if value is None else f"{_number(Decimal(value).normalize() or 0, locale())} m²"


def date(value: dt.date | dt.datetime | None, fmt: str = "medium") -> str:
    """``short`` is digits alone in Chinese; in English it is ``medium``, as 11/7/26 is another day on each side of an ocean."""
    if value is None:
        return "–"
    if isinstance(value, dt.datetime):
        value = _local(value).date()
    return _date(value, fmt, locale())


@lru_cache(maxsize=4096)
def _date(value: dt.date, fmt: str, code: str) -> str:
    return format_date(value, "medium" if (fmt, code) == ("short", "en") else fmt, locale=LOCALES[code])


def _local(value: dt.datetime) -> dt.datetime:
    """In the zone of the page; without a zone it is UTC."""
    return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).astimezone(current_zone())


def datetime_(value: dt.datetime | None, fmt: str = "short") -> str:
    if value is None:
        return "–"
    return f"{_local(value):%Y-%m-%d %H:%M}" if fmt == "short" else format_datetime(value, fmt)


def time_(value: dt.datetime | dt.time | None) -> str:
    if value is None:
        return "–"
    return f"{_local(value) if isinstance(value, dt.datetime) else value:%H:%M}"


def ago(value: dt.datetime | None) -> str:
    if value is None:
        return "–"
    return format_timedelta(value - dt.datetime.now(dt.UTC), add_direction=True)
