"""The closed list of what a scan can answer, in both languages: a gate shows both, whoever stands at it.

Codes are stable and stored; texts may change. The same table serves the device, the scan log and the live board.
"""

from __future__ import annotations

ADMIT, ATTENTION, DENY, NEED_INPUT = "admit", "admit_attention", "deny", "need_input"
VOID = "void"  # a row of the log that decides nothing: an annulment, a second reading at once
ADMITTED = (ADMIT, ATTENTION)
REFUSED = (DENY, NEED_INPUT)
RESETS = ("reset", "day_reset")  # exits that nobody walked
DUPLICATES = frozenset({"already_in", "already_used", "cooldown"})  # an entry too many, had the doors known of each other

# code: (Chinese, English)
REASONS: dict[str, tuple[str, str]] = {
    "ok": ("请进", "Welcome"),
    "ok_reentry": ("欢迎回来", "Welcome back"),
    "override": ("人工放行", "Admitted by hand"),
    "manual": ("人工登记入场", "Checked in by hand"),
    "annulled": ("该次扫描已撤销", "This scan was annulled"),
    "repeat": ("重复读取", "Read twice at once"),
    "not_done": ("操作未执行", "The action was not carried out"),
    "reset": ("已人工清除在场状态", "Set to outside by hand"),
    "day_reset": ("闭馆自动离场", "Out at closing"),
    "malformed": ("二维码残缺，请重新扫描", "The code is damaged or cut off, please scan it again"),
    "bad_signature": ("二维码无效", "This code is not genuine"),
    "unknown_key": ("二维码无法验证，请到服务台", "This code cannot be checked here, please go to the service desk"),
    "unknown": ("不是本展会的证件", "This is not a badge of this show"),
    "ambiguous": ("证件不唯一，请到服务台", "This matches more than one badge, please go to the service desk"),
    "wrong_show": ("这是其他展会或届次的证件", "This badge belongs to another show or edition"),
    "wrong_purpose": ("请出示纸质胸卡", "Please show the printed badge"),
    "revoked": ("证件已作废", "This badge was withdrawn"),
    "replaced": ("证件已补办，请使用新证件", "This badge was replaced, please use the new one"),
    "blocked": ("证件已停用，请到服务台", "This badge is blocked, please go to the service desk"),
    "cancelled": ("登记已取消", "The registration was cancelled"),
    "unpaid": ("尚未付款，请到服务台", "Not paid yet, please go to the service desk"),
    "pending_approval": (
        "登记尚未通过审核，请到服务台",
        "The registration is not approved yet, please go to the service desk",
    ),
    "wrong_zone": ("该证件类别不能从此入口进入", "This kind of badge is not admitted at this gate"),
    "not_yet_valid": ("尚未到入场时间", "Admission has not started yet"),
    "expired": ("证件已过期", "This badge is no longer valid"),
    "wrong_day": ("证件今日无效", "This badge is not valid today"),
    "need_input": ("需补充信息，请到服务台", "Something is missing, please go to the service desk"),
    "already_in": ("该证件已在场内", "This badge is already inside"),
    "already_used": ("该证件已使用过", "This badge has been used already"),
    "cooldown": ("请稍后再刷", "Please wait a little before entering again"),
    "capacity_full": ("场内人数已满，请稍候", "The hall is full, please wait"),
    "exit_without_entry": ("离场（无入场记录）", "Goodbye (no entry was recorded)"),
    "stale_snapshot": ("设备名单过旧，请联网核验", "The list on this device is too old, please check online"),
    "device_not_allowed": ("此设备不能用于该入口", "This device may not be used at this gate"),
    "internal": ("系统故障，请人工核验", "Something went wrong, please check by hand"),
}

# What a person at an attended gate may set aside, with a reason. A withdrawn or foreign badge is never one of them.
OVERRIDABLE = frozenset(
    {
        "unpaid",
        "pending_approval",
        "wrong_zone",
        "not_yet_valid",
        "expired",
        "wrong_day",
        "need_input",
        "already_in",
        "already_used",
        "cooldown",
        "capacity_full",
        "stale_snapshot",
        "wrong_purpose",
    }
)


_LEAVING = {"ok": ("请慢走", "Goodbye"), "ok_reentry": ("请慢走", "Goodbye")}


def reason_text(reason: str, direction: str = "entry") -> dict[str, str]:
    """The text of a reason in both languages; an unknown code shows itself."""
    zh, en = (direction == "exit" and _LEAVING.get(reason)) or REASONS.get(reason, (reason, reason))
    return {"zh": zh, "en": en}
