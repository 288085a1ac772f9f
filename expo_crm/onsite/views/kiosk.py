"""/kiosk: the visitor holds up the ticket, looks at the badge, corrects it, and takes it from the printer."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, Response, abort, jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import text
from expo_crm.onsite.models import Device
from expo_crm.onsite.services import printing, self_print
from expo_crm.onsite.views import principal, shell
from expo_crm.onsite.views.body import read_json, schema
from expo_crm.onsite.views.printing import seen
from expo_crm.visitors.domain.registration import mask_email, mask_phone
from expo_crm.visitors.services.registrations import RegistrationError
from expo_crm.web.assets import manifest
from expo_crm.web.i18n import locale
from expo_crm.web.policy import current_principal, device, public

LIMIT = 16 * 1024
# Said to the visitor in both languages at once; nobody has chosen one yet.
TEXTS: dict[str, tuple[str, str]] = {
    "malformed": (
        "这不是本届展会的电子票，或者没有读清楚",
        "This is not a ticket of this show, or it was not read well",
    ),
    "unknown": ("系统里没有这张票", "This ticket is not known"),
    "bad_signature": ("这张票不是主办方发出的", "This ticket was not issued by the organizer"),
    "wrong_show": ("这张票属于另一届展会", "This ticket is for another show"),
    "not_a_ticket": ("请扫描邮件里的电子票，而不是胸卡", "Please scan the ticket in your e-mail, not a badge"),
    "replaced": ("这张票已失效", "This ticket is no longer valid"),
    "cancelled": ("这项登记已取消", "This registration was cancelled"),
    "not_approved": ("登记尚未通过审核", "The registration has not been approved yet"),
    "blocked": ("这张胸卡目前不能打印", "This badge cannot be printed at present"),
    "printed": ("您的胸卡已经打印过", "Your badge has been printed already"),
    "no_printer": ("本机目前没有可用的打印机", "This kiosk has no printer at present"),
    "too_late": ("等待时间过长，请重新扫描电子票", "That took too long. Please scan the ticket again"),
    "name": ("请填写姓名", "Please enter a name"),
}


def init_app(app: Flask) -> None:
    for view in (ticket, confirm):
        app.extensions["csrf"].exempt(view)


@public()
def kiosk() -> ResponseReturnValue:
    """The kiosk's page. A browser that is none is told how to become one."""
    if current_principal().kind != "device":
        return shell.unpaired("onsite/kiosk_unpaired.html", device=principal.find_device())
    if current_principal().device_profile != "kiosk":
        abort(403)
    own = principal.current_device()
    return shell.shell("onsite/kiosk.html", device=own, config=_config(own))


def _config(own: Device) -> dict[str, Any]:
    return {
        "locale": locale(),
        "wasm": url_for("static", filename=f"dist/{manifest()['zxing_reader.wasm']}"),
        "ticket": url_for("onsite.api_kiosk_ticket"),
        "confirm": url_for("onsite.api_kiosk_confirm"),
        "texts": {
            "offline": [
                "没有网络连接。本机需要联网，请到登记台。",
                "No connection. This kiosk works only online; please go to the desk.",
            ],
            "busy": ["系统繁忙，请稍候再试。", "The system is busy. Please try again in a moment."],
            "withdrawn": ["本机已停用，请到登记台。", "This kiosk is out of service. Please go to the desk."],
            "cameraOff": [
                "摄像头不可用。请使用扫码器，或到登记台。",
                "The camera does not work. Use the reader, or go to the desk.",
            ],
        },
    }


def _answer(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(reason: str) -> Response:
    zh, en = TEXTS[reason]
    return _answer({"status": "refused", "reason": reason, "zh": zh, "en": en})


@device("kiosk")
def ticket() -> ResponseReturnValue:
    """{"code": …} → what stands on this ticket's badge, or why the desk must help. Nothing is stored."""
    post = principal.current_post()
    code = read_json(LIMIT).get("code")
    if not isinstance(code, str):
        raise schema("code")
    seen(post)
    try:
        opened = self_print.open_ticket(post.edition_id, post.device_id, code)
    except self_print.Refusal as refusal:
        return _refused(refusal.reason)
    registration, person = opened.registration, opened.registration.person
    worn = opened.badge.visitor_class
    return _answer(
        {
            "status": "open",
            "token": opened.token,
            "name": registration.name,
            "company": registration.company_name,
            "job_title": registration.job_title,
            "class": {"zh": worn.name_zh or worn.name_en, "en": worn.name_en or worn.name_zh},
            "contact": " · ".join(part for part in (mask_email(person.email), mask_phone(person.phone)) if part),
            "locale": registration.locale,
        }
    )


@device("kiosk")
def confirm() -> ResponseReturnValue:
    """The visitor has looked and pressed print. The same ``key`` sent again is the same print."""
    post = principal.current_post()
    body = read_json(LIMIT)
    given = {name: body.get(name, "") for name in ("token", "key", "name", "company", "job_title")}
    for name, value in given.items():
        if not isinstance(value, str):
            raise schema(name)
    if not re.fullmatch(printing.KEY, given["key"], re.ASCII):
        raise schema("key")
    seen(post)
    try:
        job = self_print.confirm(
            post.edition_id,
            post.device_id,
            given["token"],
            name=text.clean(given["name"], limit=100),
            company=text.clean(given["company"], limit=200),
            job_title=text.clean(given["job_title"], limit=100),
            key=given["key"],
        )
    except self_print.Refusal as refusal:
        return _refused(refusal.reason)
    except RegistrationError:
        zh, en = TEXTS["name"]
        return _answer({"status": "again", "reason": "name", "zh": zh, "en": en})
    return _answer({"status": "printing", "printer": job.device.name if job.device else _("the printer")})
