"""/portal/…: fascia, stand-build approval, services, badges of the stand staff."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import undefer

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks as queries
from expo_crm.exhibitors import task_labels
from expo_crm.exhibitors.domain.drawing import MOST_BYTES, DrawingRefused
from expo_crm.exhibitors.domain.portal import TaskKey
from expo_crm.exhibitors.models import BuildDrawing
from expo_crm.exhibitors.portal_forms import BadgeForm, DrawingForm, FasciaForm
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.exhibitors.services import portal_hooks
from expo_crm.exhibitors.services import portal_tasks as services
from expo_crm.exhibitors.services.portal_tasks import TaskRefused
from expo_crm.web.errors import Refused
from expo_crm.web.policy import exhibitor

SUFFIX = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


def refusal(error: TaskRefused | DrawingRefused) -> str:
    if error.code == "quota":
        assert isinstance(error, TaskRefused)
        return _("Your stand area allows %(left)s more badges, not %(wanted)s.", **error.facts)
    return str(task_labels.REFUSALS[error.code])


@exhibitor()
def fascia(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = queries.find_fascia(here.id)
    form = FasciaForm(
        data={"text_zh": found.text_zh, "text_en": found.text_en}
        if found
        else {"text_zh": here.company.name_zh[: services.FASCIA_ZH], "text_en": here.company.name_en[: services.FASCIA_EN]}
    )
    if form.validate_on_submit():
        try:
            services.save_fascia(here, form.text_zh.data or "", form.text_en.data or "")
        except TaskRefused as error:
            form.text_zh.errors = [refusal(error)]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("exhibitors.portal_fascia", participation_id=here.id))
    due = queries.task_rules(here.edition)[TaskKey.FASCIA].due_on
    return render_template(
        "exhibitors/portal/fascia.html",
        here=here,
        form=form,
        found=found,
        due=due,
        closed=services.today_at(here.edition) > due,
        stands=queries.stands_of(here.edition_id, {here.company_id: here.id}).get(here.id, []),
        limits=(services.FASCIA_ZH, services.FASCIA_EN),
    ), 422 if form.is_submitted() else 200


@exhibitor()
def build(participation_id: int) -> ResponseReturnValue:
    """Drawings and the talk about them; a new file is a new version."""
    here = enter(participation_id)
    form = DrawingForm()
    if form.validate_on_submit():
        upload = request.files.get("file")
        data = upload.stream.read(MOST_BYTES + 1) if upload else b""
        try:
            services.submit_drawing(here, (upload.filename or "") if upload else "", data, form.remark.data or "")
        except (TaskRefused, DrawingRefused) as error:
            form.file.errors = [refusal(error)]
        else:
            flash(_("Your drawings are with the organizer."), "success")
            return redirect(url_for("exhibitors.portal_build", participation_id=here.id))
    approval = queries.find_approval(here.id)
    return render_template(
        "exhibitors/portal/build.html",
        here=here,
        form=form,
        approval=approval,
        state=task_labels.BUILD_STATES[approval.state if approval else ""],
        states=task_labels.BUILD_STATES,
        due=queries.task_rules(here.edition)[TaskKey.BUILD].due_on,
        remarks=remarks_of(approval.remarks if approval else [], "exhibitor"),
    ), 422 if form.is_submitted() else 200


def remarks_of(remarks: list, side: str) -> list[dict]:
    """The talk as a timeline, newest first; each side sees the other under its function."""
    who = {"exhibitor": _("Exhibitor"), "organizer": _("Organizer")}
    out = []
    for r in reversed(remarks):
        label, tone = task_labels.BUILD_STATES[r.state] if r.state else (_("Remark"), "neutral")
        out.append(
            {
                "at": r.at,
                "icon": "message" if not r.state else "upload" if r.side == "exhibitor" else "gavel",
                "tone": tone,
                "title": _("%(what)s · drawing %(number)s", what=label, number=r.number),
                "body": r.text,
                "who": _("You") if r.side == side == "exhibitor" else who[r.side],
            }
        )
    return out


@exhibitor()
def build_remark(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    approval = queries.find_approval(here.id)
    if approval is None:
        abort(404)
    try:
        services.say(approval, "exhibitor", request.form.get("text", ""))
    except TaskRefused as error:
        raise Refused(refusal(error)) from None
    return redirect(url_for("exhibitors.portal_build", participation_id=here.id))


@exhibitor()
def build_file(participation_id: int, number: int) -> ResponseReturnValue:
    return drawing_of(enter(participation_id), number)


def drawing_of(participation: Participation, number: int) -> Response:
    """A drawing as a download; 404 when this exhibitor has none of the number."""
    approval = queries.find_approval(participation.id)
    found = approval and db.session.scalar(
        select(BuildDrawing)
        .where(BuildDrawing.approval_id == approval.id, BuildDrawing.number == number)
        .options(undefer(BuildDrawing.data))
    )
    if not found:
        abort(404)
    response = Response(found.data, mimetype=found.media_type)
    name = f"drawing-{participation.id}-{number}.{SUFFIX[found.media_type]}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@exhibitor()
def badges(participation_id: int) -> ResponseReturnValue:
    """Names of the people on the stand, as many as the area allows."""
    here = enter(participation_id)
    form = BadgeForm()
    if form.validate_on_submit():
        try:
            number = services.add_badges(here, (form.names.data or "").splitlines())
        except TaskRefused as error:
            form.names.errors = [refusal(error)]
        else:
            flash(_("%(count)s badges are ready.", count=number), "success")
            return redirect(url_for("exhibitors.portal_badges", participation_id=here.id))
    found, quota = portal_hooks.list_badges(here.id), services.quota_of(here)
    rules = queries.find_rules(here.edition_id)
    return render_template(
        "exhibitors/portal/badges.html",
        here=here,
        form=form,
        badges=found,
        quota=quota,
        left=max(0, quota - len(found)),
        per=(rules.badges, rules.badge_m2) if rules else (3, 9),
    ), 422 if form.is_submitted() else 200


@exhibitor()
def withdraw_badge(participation_id: int, badge_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    try:
        portal_hooks.withdraw_badge(here, badge_id)
    except LookupError:
        abort(404)
    flash(_("The badge no longer opens the gates."), "success")
    return redirect(url_for("exhibitors.portal_badges", participation_id=here.id))
