"""Files for printers: badges in the layouts of their classes, as PDF or as ZPL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from PIL import Image

from expo_crm.onsite.domain.layout import Layout
from expo_crm.onsite.models import Badge
from expo_crm.onsite.services import badge_bitmap, badge_pdf, badge_zpl, layouts
from expo_crm.onsite.services.badge_draw import Face, Heading
from expo_crm.shows.models import Edition
from expo_crm.web.i18n import countries

FORMS = ("pdf", "zpl")
PREVIEW_DPI = 110

# What the editor and the previews show: the hardest that comes to a show, in both languages.
_CODE = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 5)[:141]


def make(
    badges: Sequence[Badge],
    code_of: Callable[[Badge], str],
    edition: Edition,
    *,
    form: str = "pdf",
    progress: Callable[[int], None] | None = None,
) -> bytes:
    """One file of all badges. Badges of one layout come together, so that sheets are filled; otherwise the order stays."""
    if form not in FORMS:
        raise ValueError(f"no form {form!r}")
    worn = layouts.wardrobe(edition.id)
    pairs = [(worn.of(badge.class_id), badge) for badge in badges]
    rank = {key: place for place, key in enumerate(dict.fromkeys(id(layout) for layout, _badge in pairs))}
    pairs.sort(key=lambda pair: rank[id(pair[0])])
    pictures = layouts.pictures(edition.id, {image for layout, _badge in pairs for image in layout.images})
    heading = heading_of(edition)
    drawn = ((layout, face_of(badge, code_of(badge))) for layout, badge in pairs)
    if form == "pdf":
        return badge_pdf.render(drawn, heading, pictures=pictures, progress=progress)
    parts = []
    for layout, face in drawn:
        parts.append(zpl(layout, face, heading, pictures))
        if progress:
            progress(len(parts))
    return "".join(parts).encode("ascii")


def zpl(layout: Layout, face: Face, heading: Heading, pictures: dict[int, Image.Image]) -> str:
    """One label."""
    return badge_zpl.label(
        badge_bitmap.picture(layout, face, heading, dpi=layout.media.dpi, pictures=pictures, mono=True)
    )


def form_of(badge: Badge) -> str:
    """What the printer of this badge takes: ZPL for a layout of a label printer, else PDF."""
    return "zpl" if layouts.wardrobe(badge.edition_id).of(badge.class_id).media.kind == "label" else "pdf"


def face_of(badge: Badge, code: str) -> Face:
    """What stands on a badge."""
    registration = badge.registration
    company = registration.company if registration else None
    locale = registration.locale if registration else "zh"
    english = company.name_en if company and company.name_en != badge.holder_company else ""
    latin = registration.person.name_latin if registration else ""
    return Face(
        code=code,
        name=badge.holder,
        company=badge.holder_company,
        job_title=registration.job_title if registration else "",
        class_zh=badge.visitor_class.name_zh,
        class_en=badge.visitor_class.name_en,
        colour=badge.visitor_class.colour,
        number=f"{registration.number}" if registration else "",
        name_latin=latin if latin != badge.holder else "",
        company_en=english,
        country=country_name(registration.person.country, locale) if registration else "",
        locale=locale,
    )


def country_name(code: str, locale: str) -> str:
    """In the badge holder's language; empty for an unknown code."""
    return countries(locale).get(code, "")


def heading_of(edition: Edition) -> Heading:
    return Heading(edition.name_zh, edition.name_en, _dates(edition.starts_on, edition.ends_on))


def _dates(first: dt.date, last: dt.date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()} – {last:%m-%d}"


def sample(kind: str, class_zh: str, class_en: str, colour: str) -> Face:
    """An invented person with a long name: ``kind`` zh or en."""
    if kind == "en":
        return Face(
            _CODE,
            "Maximiliana Konstantinopoulou-Featherstonehaugh",
            "International Fluid Engineering and Industrial Pump Manufacturing Holdings Pte. Ltd.",
            "Senior Vice President, Strategic Procurement",
            class_zh,
            class_en,
            colour,
            "123456",
            name_latin="",
            company_en="",
            country=country_name("GR", "en"),
            locale="en",
        )
    return Face(
        _CODE,
        "阿依古丽·买买提江·吐尔逊",
        "华东流体机械与密封工程技术研究院（上海）有限责任公司",
        "高级采购经理兼设备工程部副总工程师",
        class_zh,
        class_en,
        colour,
        "123456",
        name_latin="Ayguli Memetjan Tursun",
        company_en="East China Institute of Fluid Machinery (Shanghai) Co., Ltd.",
        country=country_name("CN", "zh"),
        locale="zh",
    )


def preview(layout: Layout, face: Face, heading: Heading, pictures: dict[int, Image.Image]) -> Image.Image:
    """A badge for the screen: as it will come out, in black and white for a label printer."""
    mono = layout.media.kind == "label"
    return (
        badge_bitmap.picture(layout, face, heading, dpi=PREVIEW_DPI * 2, pictures=pictures, mono=mono)
        .convert("RGB")
        .reduce(2)
    )
