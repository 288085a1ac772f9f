"""/jobs: background work, and the fragment that shows one job's progress until it is done."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from expo_crm.db import db
from expo_crm.jobs import progress
from expo_crm.jobs.models import Job
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, current_principal, requires, signed_in

blueprint = Blueprint("jobs", __name__)

STATES = (("queued", _l("Waiting")), ("running", _l("Running")), ("done", _l("Done")), ("failed", _l("Failed")))
KINDS = {
    "messaging.deliver": _l("Send mail"),
    "directory.find_duplicates": _l("Look for duplicate companies"),
    "directory.measure_quality": _l("Measure the customer file"),
    "exhibitors.expire_holds": _l("Free expired holds"),
    "exhibitors.expire_rights": _l("End first refusals that ran out"),
    "exhibitors.expire_quotes": _l("Close quotes that no longer hold"),
    "onsite.count_hours": _l("Count finished hours for the live board"),
    "onsite.watch_capacity": _l("Watch the capacity of zones"),
    "exhibitors.read_import": _l("Read an uploaded list"),
    "exhibitors.preview_import": _l("Check an import"),
    "exhibitors.load_import": _l("Load an import"),
    "exhibitors.roll_back_import": _l("Take an import back"),
    "matchmaking.expire": _l("End unanswered meeting requests"),
    "onsite.issue_badges": _l("Issue badges"),
    "onsite.print_badges": _l("Make badges"),
    "followup.send_survey": _l("Send a survey"),
    "followup.plan_next": _l("Plan the next edition"),
    "jobs.tidy": _l("Clear away what is finished"),
    "accounts.reset": _l("Send a link for a new password"),
    "billing.dunning": _l("Remind of overdue invoices"),
    "directory.run_pool": _l("Move companies to the public pool"),
    "exhibitors.follow_prices": _l("Take the prices of the day onto unsold booths"),
    "exhibitors.waiting_list": _l("Offer booths to the waiting list"),
    "exhibitors.remind_tasks": _l("Remind exhibitors of their tasks"),
    "onsite.close_zones": _l("Close zones at the end of the day"),
    "onsite.event_offers": _l("Offer freed places of events"),
    "onsite.event_mails": _l("Write to people of an event"),
    "onsite.reissue_badges": _l("Issue badges again"),
    "onsite.snapshots": _l("Prepare lists of badges for gates"),
}
COLUMNS = (
    listing.Column("kind", _l("Work"), lambda j: str(KINDS.get(j.kind, j.kind)), sort=Job.kind, primary=True),
    listing.Column("state", _l("State"), lambda j: str(dict(STATES)[j.state]), sort=Job.state, kind="status"),
    listing.Column("due", _l("Due"), lambda j: i18n.datetime_(j.due_at), sort=Job.due_at, kind="date"),
    listing.Column(
        "finished", _l("Finished"), lambda j: i18n.datetime_(j.finished_at), sort=Job.finished_at, kind="date"
    ),
    listing.Column("error", _l("Error"), lambda j: j.error, hide_on_phone=True),
)


@blueprint.get("/jobs")
@requires(Permission.VIEW)
def jobs() -> ResponseReturnValue:
    page = listing.build(
        id="jobs",
        query=select(Job),
        columns=COLUMNS,
        default_sort="due",
        default_desc=True,
        tie_break=Job.id.desc(),
        filters=[listing.Filter("state", _("State"), STATES, lambda v: Job.state == v)],
        empty=listing.Empty("clock-cog", _("No background work yet")),
        search=lambda q: or_(Job.kind.contains(q, autoescape=True), Job.error.contains(q, autoescape=True)),
        search_hint=_("Work or error"),
    )
    return render_template("jobs/jobs.html", listing=page)


@blueprint.get("/jobs/<int:job_id>/progress")
@signed_in()
def job_progress(job_id: int) -> ResponseReturnValue:
    """Fragment for htmx; reloads the page that waits when the job has ended."""
    job = db.session.get(Job, job_id)
    principal = current_principal()
    if job is None or (principal.kind != "staff" and job.user_id != principal.id):
        abort(404)
    if job.state in {"done", "failed"}:
        return "", 200, {"HX-Refresh": "true"}
    done, total, label = progress.read(job_id)
    return render_template("jobs/_progress.html", job=job, done=done, total=total, label=label)
