"""Badge layouts of an edition: kept, given to classes, and found again when badges are printed. Logos for them."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite.domain import layout as domain
from expo_crm.onsite.domain.layout import Fault, Layout
from expo_crm.onsite.models import BadgeImage, BadgeLayout, BadgeLayoutClass
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import VisitorClass

MOST_LAYOUTS = 50
MOST_IMAGES = 30
UPLOAD_BYTES = 5 * 1024 * 1024
_PIXELS = 40_000_000  # of a picture as it comes; more is an attack on memory
_LONGEST = 1600  # of a picture as it is kept: 100 mm at 400 dots an inch
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


class BadLayout(Exception):
    """The layout breaks rules; ``faults`` says which."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(", ".join(f.code for f in faults))
        self.faults = faults


class Stale(Exception):
    """Somebody else has saved this layout since it was opened."""


class BadImage(Exception):
    """The upload is no picture that we take. ``code``: "size", "format", "pixels", "many"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# -- finding ---------------------------------------------------------------------------------------------------------


def list_layouts(edition_id: int) -> list[BadgeLayout]:
    return list(
        db.session.scalars(
            select(BadgeLayout)
            .where(BadgeLayout.edition_id == edition_id)
            .order_by(BadgeLayout.standard.desc(), BadgeLayout.name)
            .options(selectinload(BadgeLayout.classes).joinedload(BadgeLayoutClass.visitor_class))
        )
    )


def find_layout(edition_id: int, layout_id: int) -> BadgeLayout | None:
    return db.session.scalar(
        select(BadgeLayout).where(BadgeLayout.edition_id == edition_id, BadgeLayout.id == layout_id)
    )


def read(row: BadgeLayout) -> Layout:
    """The layout of a row. A stored one was checked when it was saved; one that no longer holds falls back to the default."""
    return domain.parse(row.spec)[0] or _default()


@lru_cache(maxsize=1)
def _default() -> Layout:
    return domain.default_layout()


@dataclass(frozen=True)
class Wardrobe:
    """The layouts of an edition: which one a class wears."""

    by_class: dict[int, Layout]
    standard: Layout

    def of(self, class_id: int) -> Layout:
        return self.by_class.get(class_id, self.standard)


def wardrobe(edition_id: int) -> Wardrobe:
    """All layouts of an edition with one query."""
    rows = list_layouts(edition_id)
    layouts = {row.id: read(row) for row in rows}
    standard = next((layouts[row.id] for row in rows if row.standard), _default())
    return Wardrobe({one.class_id: layouts[row.id] for row in rows for one in row.classes}, standard)


# -- keeping ---------------------------------------------------------------------------------------------------------


def check(edition_id: int, raw: Any) -> Layout:
    """The layout that was sent. Raises BadLayout; also for pictures of another edition."""
    found, faults = domain.parse(raw)
    if found is None:
        raise BadLayout(faults)
    if found.images:
        known = set(
            db.session.scalars(
                select(BadgeImage.id).where(BadgeImage.edition_id == edition_id, BadgeImage.id.in_(found.images))
            )
        )
        lost = [
            Fault("no_image", index)
            for index, e in enumerate(found.elements)
            if e.kind == "image" and e.image not in known
        ]
        if lost:
            raise BadLayout(lost)
    return found


def save(
    edition: Edition,
    row: BadgeLayout | None,
    *,
    name: str,
    raw: Any,
    class_ids: Iterable[int],
    standard: bool,
    version: int | None = None,
) -> BadgeLayout:
    """Make a layout or change one. Classes given to it leave the layout that they had; one layout of the edition is standard.

    Raises BadLayout, or Stale when ``version`` is not the one that is stored.
    """
    layout = check(edition.id, raw)
    name = text.clean(name, limit=100)
    others = list_layouts(edition.id)
    faults = [Fault("name")] if text.is_blank(name) else []
    if any(o.name == name and (row is None or o.id != row.id) for o in others):
        faults = [Fault("name_taken")]
    if row is None and len(others) >= MOST_LAYOUTS:
        faults = [Fault("layouts", values={"most": MOST_LAYOUTS})]
    if faults:
        raise BadLayout(faults)
    values = {"name": name, "medium": layout.media.kind, "spec": layout.to_json(), "updated_at": clock.now()}
    if row is None:
        row = BadgeLayout(edition_id=edition.id, version=1, standard=not others, **values)
        db.session.add(row)
        db.session.flush()
        verb = "create"
    else:
        done = db.session.execute(
            update(BadgeLayout)
            .where(BadgeLayout.id == row.id, BadgeLayout.version == version)
            .values(**values, version=BadgeLayout.version + 1)
            .execution_options(synchronize_session=False)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            raise Stale
        db.session.refresh(row)
        verb = "change"
    if standard and not row.standard:
        for other in others:
            other.standard = False
        row.standard = True
    _give(edition.id, row, class_ids)
    audit.record(f"badge_layout.{verb}", "badge_layout", row.id, edition_id=edition.id, changes={"name": [None, name]})
    db.session.flush()
    return row


def _give(edition_id: int, row: BadgeLayout, class_ids: Iterable[int]) -> None:
    wanted = set(
        db.session.scalars(
            select(VisitorClass.id).where(VisitorClass.edition_id == edition_id, VisitorClass.id.in_(list(class_ids)))
        )
    )
    touched = list(
        db.session.scalars(
            select(BadgeLayoutClass)
            .where((BadgeLayoutClass.layout_id == row.id) | BadgeLayoutClass.class_id.in_(wanted))
            .options(joinedload(BadgeLayoutClass.layout))
        )
    )
    for one in touched:
        if one.class_id in wanted:
            one.layout = row
        else:
            db.session.delete(one)
    for class_id in sorted(wanted - {one.class_id for one in touched}):
        db.session.add(BadgeLayoutClass(class_id=class_id, layout=row))
    db.session.flush()
    db.session.expire(row, ["classes"])


def remove(row: BadgeLayout) -> None:
    """Its classes wear the standard layout from now on. When it was the standard itself, the built-in one serves."""
    audit.record(
        "badge_layout.delete", "badge_layout", row.id, edition_id=row.edition_id, changes={"name": [row.name, None]}
    )
    db.session.delete(row)
    db.session.flush()


# -- logos -----------------------------------------------------------------------------------------------------------


def list_images(edition_id: int) -> list[BadgeImage]:
    return list(
        db.session.scalars(select(BadgeImage).where(BadgeImage.edition_id == edition_id).order_by(BadgeImage.id))
    )


def find_image(edition_id: int, image_id: int) -> BadgeImage | None:
    return db.session.scalar(select(BadgeImage).where(BadgeImage.edition_id == edition_id, BadgeImage.id == image_id))


def add_image(edition: Edition, name: str, data: bytes) -> BadgeImage:
    """Keep a logo, drawn anew on white, so that nothing but its pixels is kept. The same picture twice is one. Raises BadImage."""
    if not data or len(data) > UPLOAD_BYTES:
        raise BadImage("size")
    picture = _open(data)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    png = out.getvalue()
    digest = hashlib.sha256(png).hexdigest()
    known = db.session.scalar(
        select(BadgeImage).where(BadgeImage.edition_id == edition.id, BadgeImage.digest == digest)
    )
    if known:
        return known
    if len(list_images(edition.id)) >= MOST_IMAGES:
        raise BadImage("many")
    made = BadgeImage(
        edition_id=edition.id,
        digest=digest,
        name=text.clean(name, limit=100) or "logo",
        width=picture.width,
        height=picture.height,
        png=png,
    )
    db.session.add(made)
    db.session.flush()
    audit.record("badge_image.create", "badge_image", made.id, edition_id=edition.id)
    return made


def _open(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            found = Image.open(io.BytesIO(data), formats=_FORMATS)
            if found.width * found.height > _PIXELS:
                raise BadImage("pixels")
            found.load()
            turned = ImageOps.exif_transpose(found).convert("RGBA")
    except BadImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage("pixels") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError):
        raise BadImage("format") from None  # decoders fail in many ways on what is no picture
    white = Image.new("RGBA", turned.size, "#ffffff")
    white.alpha_composite(turned)
    white.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    return white.convert("RGB")


def pictures(edition_id: int, wanted: Iterable[int]) -> dict[int, Image.Image]:
    """The pictures of these ids, ready to be drawn."""
    ids = list(wanted)
    if not ids:
        return {}
    rows = db.session.execute(
        select(BadgeImage.id, BadgeImage.png).where(BadgeImage.edition_id == edition_id, BadgeImage.id.in_(ids))
    )
    return {row.id: Image.open(io.BytesIO(row.png)) for row in rows}
