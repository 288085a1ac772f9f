"""Made-up people and companies, plausible in both languages."""

from __future__ import annotations

import random
from dataclasses import dataclass

from expo_crm.demo import words


@dataclass(frozen=True)
class MadeCompany:
    name_zh: str
    name_en: str
    country: str
    province: str
    city: str
    group: str  # category group as "1"
    slug: str


@dataclass(frozen=True)
class MadePerson:
    name: str
    latin: str
    country: str
    mailbox: str


def pick(rng: random.Random, weighted: list[tuple]) -> tuple:
    """One of the tuples, by the weight in its last place."""
    return rng.choices(weighted, weights=[w[-1] for w in weighted])[0]


def companies(rng: random.Random, count: int) -> list[MadeCompany]:
    """``count`` different companies, four in five Chinese."""
    brands = [(a[0] + b[0], a[1] + b[1]) for a in words.BRAND_FIRST for b in words.BRAND_SECOND if a[0] != b[0]]
    rng.shuffle(brands)
    foreign = [
        (country, form, stem, trade)
        for country, form, stems in words.FOREIGN
        for stem in stems
        for trade in words.FOREIGN_TRADES
    ]
    rng.shuffle(foreign)
    out = []
    for index in range(count):
        abroad = index % 5 == 4 and foreign
        out.append(_foreign(*foreign.pop()) if abroad else _chinese(rng, brands.pop()))
    return out


def _chinese(rng: random.Random, brand: tuple[str, str]) -> MadeCompany:
    place_zh, place_en, province = rng.choice(words.PLACES)
    trade_zh, trade_en, group = rng.choice(words.TRADES)
    form, _weight = pick(rng, words.FORMS_ZH)
    middle = "" if form == "科技有限公司" and trade_zh.endswith("科技") else trade_zh
    bracket = rng.random() < 0.15
    name_zh = f"{brand[0]}{middle}（{place_zh}）{form}" if bracket else f"{place_zh}{brand[0]}{middle}{form}"
    ending = {"集团有限公司": "Group Co., Ltd.", "股份有限公司": "Corp., Ltd.", "厂": "Works"}.get(form, "Co., Ltd.")
    name_en = (
        f"{brand[1]} {trade_en} ({place_en}) {ending}" if bracket else f"{place_en} {brand[1]} {trade_en} {ending}"
    )
    slug = f"{brand[1]}-{place_en}".lower().replace("'", "")
    return MadeCompany(name_zh, name_en if rng.random() < 0.8 else "", "CN", province, place_zh, group, slug)


def _foreign(country: str, form: str, stem: str, trade: tuple[str, str, str]) -> MadeCompany:
    word = trade[0] if country in {"DE", "CH"} else trade[1]
    slug = f"{stem}-{word}".lower().replace(" ", "-").replace("ü", "ue")
    return MadeCompany("", f"{stem} {word} {form}", country, "", "", trade[2], slug)


def person(rng: random.Random, country: str) -> MadePerson:
    """A person of this country's naming; the mailbox part of an address that cannot exist (``.example``)."""
    if country == "CN":
        given = rng.choice(words.GIVEN) + (rng.choice(words.GIVEN) if rng.random() < 0.75 else "")
        return MadePerson(rng.choice(words.SURNAMES) + given, "", "CN", f"u{rng.randrange(10**7):07}")
    first, last = rng.choice(words.LATIN_FIRST), rng.choice(words.LATIN_LAST)
    name = f"{first} {last}"
    return MadePerson(name, name, country, f"{first}.{last}".lower().replace(" ", ""))


def buyer(rng: random.Random) -> tuple[str, str, str, str]:
    """A visiting organization: (zh, en, country, city)."""
    if rng.random() < 0.12:
        country, form, stems = rng.choice(words.FOREIGN)
        stem = rng.choice(stems)
        return "", f"{stem} {rng.choice(words.BUYER_TRADES)[1]} {form}", country, ""
    first, second = rng.choice(words.BRAND_FIRST), rng.choice(words.BRAND_SECOND)
    place_zh, place_en, _province = rng.choice(words.PLACES)
    trade_zh, trade_en = rng.choice(words.BUYER_TRADES)
    return (
        f"{place_zh}{second[0]}{first[0]}{trade_zh}有限公司",
        f"{place_en} {second[1].title()}{first[1].lower()} {trade_en} Co., Ltd.",
        "CN",
        place_zh,
    )
