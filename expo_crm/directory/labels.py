"""Words of the directory that several pages share."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from expo_crm.directory.domain import naming
from expo_crm.web.i18n import countries, locale

EVIDENCE = {
    "tax-id": _l("same tax id"),
    "tax-id-differs": _l("other tax id"),
    "domain": _l("same web domain"),
    "domain-differs": _l("other web domain"),
    "mail-domain": _l("same mail domain"),
    "phone": _l("same phone number"),
    "person": _l("same contact"),
    "country-differs": _l("other country"),
    "name": _l("same name"),
    "brand": _l("same brand"),
    "place": _l("same place"),
    "trade": _l("same trade"),
    "form": _l("other legal form"),
    "pinyin": _l("sounds the same"),
    "typo": _l("one letter differs"),
    "prefix": _l("name begins the same"),
    "words": _l("same words"),
    "similar": _l("similar"),
    "branch": _l("branch office"),
    "place-differs": _l("other place"),
    "trade-differs": _l("other trade"),
    "numbers-differ": _l("other number"),
}


def evidence_label(word: str) -> Any:
    """The reader's text for a word of evidence; an unknown word stays."""
    return EVIDENCE.get(word, word)


FREQUENT = ("CN", "HK", "TW", "MO", "DE", "US", "JP", "KR", "IT")


def country_choices() -> list[SelectChoice]:
    """Empty, the frequent ones, then all others by name."""
    names = countries(locale())
    rest = sorted((c for c in names if c not in FREQUENT), key=lambda c: naming.order_key(names[c]))
    return [SelectChoice("", "–"), *(SelectChoice(c, names[c]) for c in (*FREQUENT, *rest))]
