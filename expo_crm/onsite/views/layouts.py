"""/e/<edition>/badges/layouts: how badges look, drawn in the browser and checked here."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from flask import Response, abort, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.lib import text
from expo_crm.onsite.domain import layout as domain
from expo_crm.onsite.domain.layout import Fault, Layout
from expo_crm.onsite.models import BadgeLayout
from expo_crm.onsite.services import badge_files, badge_pdf, layouts
from expo_crm.onsite.services.badge_draw import Face
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import VisitorClass
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

SPEC_CHARS = 60_000
MEDIA = {"sheet": _l("Sheet of A4"), "roll": _l("Roll or single card"), "label": _l("Label printer (ZPL)")}
KINDS = {
    "text": _l("Text field"),
    "qr": _l("QR code"),
    "band": _l("Class colour"),
    "image": _l("Picture"),
    "line": _l("Straight line"),
    "box": _l("Box"),
}
SOURCES = {
    "name": _l("Name"),
    "name_latin": _l("Name in Latin letters"),
    "company": _l("Company"),
    "company_en": _l("Company in English"),
    "job_title": _l("Job title"),
    "country": _l("Country or region"),
    "class_zh": _l("Class in Chinese"),
    "class_en": _l("Class in English"),
    "edition_zh": _l("Show in Chinese"),
    "edition_en": _l("Show in English"),
    "dates": _l("Days of the show"),
    "number": _l("Registration number"),
    "free": _l("Own text"),
}
COLOURS = {"black": _l("Black"), "grey": _l("Grey"), "white": _l("White"), "class": _l("Class colour")}
ALIGNS = {"left": _l("Left"), "center": _l("Centre"), "right": _l("Right")}
VALIGNS = {"top": _l("Top"), "middle": _l("Middle"), "bottom": _l("Bottom")}
FIELDS = {
    "x": _l("From the left"),
    "y": _l("From the top"),
    "w": _l("Width"),
    "h": _l("Height"),
    "width": _l("Width"),
    "height": _l("Height"),
    "columns": _l("Badges across"),
    "rows": _l("Badges down"),
    "margin_x": _l("Left margin"),
    "margin_y": _l("Top margin"),
    "gap_x": _l("Gap between columns"),
    "gap_y": _l("Gap between rows"),
    "size": _l("Type size"),
    "least": _l("Smallest type size"),
    "lines": _l("Lines at most"),
    "weight": _l("Thickness"),
}


def fault_text(fault: Fault, layout: Any = None) -> str:
    """A fault in the user's language, with the element that it is about."""
    values = dict(fault.values)
    field = str(FIELDS.get(str(values.pop("field", "")), _("a setting")))
    said = {
        "shape": lambda: _("This is not a badge layout."),
        "many": lambda: _("At most %(most)s elements fit on a badge.", **values),
        "no_code": lambda: _("The badge needs its QR code, or no gate can read it."),
        "codes": lambda: _("A badge has one QR code; remove the others."),
        "number": lambda: _("%(field)s: please enter a number.", field=field),
        "range": lambda: _("%(field)s: please stay between %(low)s and %(high)s.", field=field, **values),
        "choice": lambda: _("%(field)s: this choice does not exist.", field=field),
        "long": lambda: _("At most %(most)s characters of own text.", **values),
        "sheet": lambda: _(
            "The badges need %(width)s × %(height)s mm, which is more than an A4 sheet (210 × 297 mm).", **values
        ),
        "outside": lambda: _("It reaches over the edge of the badge."),
        "small_code": lambda: _(
            "The QR code needs at least %(least)s mm in width and height, or phones cannot read it.", **values
        ),
        "square": lambda: _("The QR code must be as wide as it is high."),
        "no_length": lambda: _("The line has no length."),
        "least": lambda: _("The smallest type size is larger than the type size."),
        "no_text": lambda: _("Please write the text."),
        "no_image": lambda: _("Please choose a picture."),
        "name": lambda: _("Please give the layout a name."),
        "name_taken": lambda: _("Another layout has this name."),
        "layouts": lambda: _("An edition has at most %(most)s layouts.", **values),
    }[fault.code]()
    return said if fault.element is None else f"{_element_name(fault.element, layout)}: {said}"


def _element_name(index: int, raw: Any) -> str:
    kind = source = None
    if isinstance(raw, dict) and isinstance(raw.get("elements"), list) and index < len(raw["elements"]):
        one = raw["elements"][index]
        kind, source = (one.get("kind"), one.get("source")) if isinstance(one, dict) else (None, None)
    if kind == "text" and isinstance(source, str) and source in SOURCES:
        return f"{index + 1} · {SOURCES[source]}"
    return f"{index + 1} · {KINDS[kind]}" if isinstance(kind, str) and kind in KINDS else f"{index + 1}"


def _get(layout_id: int) -> BadgeLayout:
    found = layouts.find_layout(g.edition.id, layout_id) if layout_id < 2**53 else None
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def list_() -> ResponseReturnValue:
    """All layouts as small pictures, with the classes that wear them."""
    found = layouts.list_layouts(g.edition.id)
    given = {one.class_id for row in found for one in row.classes}
    rest = [c for c in visitors.list_classes(g.edition.id) if c.id not in given]
    return render_template(
        "onsite/layouts.html",
        layouts=found,
        rest=rest,
        media=MEDIA,
        may_edit=current_principal().can(Permission.REGISTRATION),
    )


@requires(Permission.VIEW)
def thumbnail(layout_id: int) -> ResponseReturnValue:
    """A layout with a long name, as a picture."""
    row = _get(layout_id)
    face = _sample_face("zh" if i18n.locale() == "zh" else "en", next((one.class_id for one in row.classes), 0))
    return _picture(layouts.read(row), face)


@requires(Permission.REGISTRATION)
def new() -> ResponseReturnValue:
    """A new layout, begun from one of ours."""
    starts = {"roll": domain.default_layout, "sheet": domain.sheet_layout, "label": domain.label_layout}
    start = request.args.get("start", "roll")
    if start not in starts:
        abort(404)
    if request.method == "POST":
        return _save(None)
    return _editor(None, starts[start]().to_json())


@requires(Permission.REGISTRATION)
def edit(layout_id: int) -> ResponseReturnValue:
    row = _get(layout_id)
    return _save(row) if request.method == "POST" else _editor(row, row.spec)


def _save(row: BadgeLayout | None) -> ResponseReturnValue:
    raw = _spec(request.form.get("spec", ""))
    version = request.form.get("version", "")
    try:
        saved = layouts.save(
            g.edition,
            row,
            name=request.form.get("name", ""),
            raw=raw,
            class_ids=_numbers(request.form.getlist("classes")),
            standard="standard" in request.form,
            version=int(version) if re.fullmatch(r"\d{1,9}", version, re.ASCII) else None,
        )
    except layouts.BadLayout as error:
        return _editor(row, raw, [fault_text(f, raw) for f in error.faults]), 422
    except layouts.Stale:
        message = _(
            "Somebody else has saved this layout meanwhile. Your drawing is kept here; save again to replace theirs."
        )
        return _editor(row, raw, [message]), 409
    flash(_("The layout %(name)s is saved.", name=saved.name), "success")
    return redirect(url_for("onsite.layouts"))


def _numbers(values: list[str]) -> list[int]:
    return [int(v) for v in values[:200] if re.fullmatch(r"\d{1,15}", v, re.ASCII)]


def _spec(typed: str) -> Any:
    if len(typed) > SPEC_CHARS:
        return None
    try:
        return json.loads(typed)
    except (ValueError, RecursionError):
        return None


def _editor(row: BadgeLayout | None, raw: Any, faults: list[str] | None = None) -> str:
    """The editor, with what was drawn; what is no drawing at all gives way to what is stored."""
    readable = isinstance(raw, dict) and isinstance(raw.get("media"), dict) and isinstance(raw.get("elements"), list)
    spec = raw if readable else (row.spec if row else domain.default_layout().to_json())
    again = request.method == "POST"
    chosen = (
        set(_numbers(request.form.getlist("classes"))) if again else {o.class_id for o in row.classes} if row else set()
    )
    return render_template(
        "onsite/layouts_editor.html",
        layout=row,
        name=text.clean(request.form.get("name", ""), limit=100) if again else (row.name if row else ""),
        standard="standard" in request.form if again else bool(row and row.standard),
        chosen=chosen,
        first_class=min(chosen, default=0),
        classes=visitors.list_classes(g.edition.id),
        faults=faults or [],
        media=MEDIA,
        kinds=KINDS,
        sources=SOURCES,
        colours=COLOURS,
        aligns=ALIGNS,
        valigns=VALIGNS,
        images=layouts.list_images(g.edition.id),
        config={
            "spec": spec,
            "preview": url_for("onsite.layout_preview"),
            "upload": url_for("onsite.layout_images"),
            "qrLeast": domain.QR_LEAST,
            "most": domain.MOST_ELEMENTS,
            "kinds": {key: str(label) for key, label in KINDS.items()},
            "sources": {key: str(label) for key, label in SOURCES.items()},
            "texts": {
                "failed": _("The preview cannot be drawn just now. Your work is kept; save it to be safe."),
                "full": _("At most %(most)s elements fit on a badge.", most=domain.MOST_ELEMENTS),
                "own": _("Own text"),
                "nothing": _("Choose an element on the badge or in the list."),
                "good": _("The layout can be saved."),
            },
        },
    )


@requires(Permission.REGISTRATION)
def remove(layout_id: int) -> ResponseReturnValue:
    row = _get(layout_id)
    layouts.remove(row)
    flash(_("The layout %(name)s is deleted. Its classes wear the standard layout.", name=row.name), "success")
    return redirect(url_for("onsite.layouts"))


# -- previews --------------------------------------------------------------------------------------------------------


@requires(Permission.REGISTRATION)
def preview() -> ResponseReturnValue:
    """The drawing that is sent, as a picture or (``form=pdf`` in a form) as the real PDF; faults as 422."""
    as_form = not request.is_json
    body = request.form if as_form else (request.get_json(silent=True) or {})
    if not isinstance(body, dict) and not as_form:
        abort(422)
    raw = _spec(str(body.get("spec", ""))) if as_form else body.get("spec")
    try:
        layout = layouts.check(g.edition.id, raw)
    except layouts.BadLayout as error:
        if as_form:
            raise Refused(" ".join(fault_text(f, raw) for f in error.faults)) from None
        told = [{"element": f.element, "message": fault_text(f, raw)} for f in error.faults]
        return make_response(jsonify(faults=told), 422)
    class_id = str(body.get("class_id", ""))
    chosen = int(class_id) if re.fullmatch(r"\d{1,15}", class_id, re.ASCII) else 0
    kind = "en" if body.get("sample") == "en" else "zh"
    if not as_form:
        return _picture(layout, _sample_face(kind, chosen))
    faces = [_sample_face(kind, chosen), _sample_face("en" if kind == "zh" else "zh", chosen)]
    heading = badge_files.heading_of(g.edition)
    pictures = layouts.pictures(g.edition.id, layout.images)
    if layout.media.kind == "label" and body.get("form") == "zpl":
        made = "".join(badge_files.zpl(layout, face, heading, pictures) for face in faces)
        return _file(made.encode("ascii"), "application/zpl", "badge-preview.zpl")
    pairs = [(layout, faces[n % 2]) for n in range(max(2, layout.media.per_page))]
    return _file(badge_pdf.render(pairs, heading, pictures=pictures), "application/pdf", "")


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    headers["Content-Disposition"] = f'attachment; filename="{name}"' if name else "inline"
    return Response(body, mimetype=kind, headers=headers)


def _sample_face(kind: str, class_id: int) -> Face:
    classes: list[VisitorClass] = visitors.list_classes(g.edition.id)
    worn = next((c for c in classes if c.id == class_id), classes[0] if classes else None)
    if worn is None:
        return badge_files.sample(kind, "专业观众", "Trade visitor", "blue")
    return badge_files.sample(kind, worn.name_zh, worn.name_en, worn.colour)


def _picture(layout: Layout, face: Face) -> Response:
    pictures = layouts.pictures(g.edition.id, layout.images)
    drawn = badge_files.preview(layout, face, badge_files.heading_of(g.edition), pictures)
    return png(drawn)


def png(drawn: Any) -> Response:
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return Response(out.getvalue(), mimetype="image/png", headers={"Cache-Control": "no-store"})


# -- pictures --------------------------------------------------------------------------------------------------------


@requires(Permission.REGISTRATION)
def add_image() -> ResponseReturnValue:
    """A logo from the editor: kept anew, answered with its id and proportions."""
    sent = request.files.get("file")
    if sent is None:
        raise Refused(_("Please choose a file."))
    try:
        with sent.stream as stream:
            made = layouts.add_image(g.edition, sent.filename or "", stream.read(layouts.UPLOAD_BYTES + 1))
    except layouts.BadImage as error:
        raise Refused(
            {
                "size": _("The picture is empty or larger than 5 MB."),
                "format": _("This is no picture. Please choose a PNG, JPEG, WebP or GIF file."),
                "pixels": _("The picture has too many pixels. Please make it smaller."),
                "many": _("An edition keeps at most %(most)s pictures.", most=layouts.MOST_IMAGES),
            }[error.code]
        ) from None
    return jsonify(id=made.id, name=made.name, width=made.width, height=made.height)


@requires(Permission.VIEW)
def image(image_id: int) -> ResponseReturnValue:
    found = layouts.find_image(g.edition.id, image_id) if image_id < 2**53 else None
    if found is None:
        abort(404)
    return Response(found.png, mimetype="image/png")
