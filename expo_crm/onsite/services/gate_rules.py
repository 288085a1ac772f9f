"""What a device needs to decide by itself: the rules of ``domain.admission`` as data (see tests/onsite/vectors/make.py)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from sqlalchemy import select

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.services import keys
from expo_crm.onsite.services.devices import Post
from expo_crm.shows.models import OpeningDay

MARGIN = dt.timedelta(days=31)  # build-up before the edition and dismantling after it


def rules_for_device(post: Post) -> dict[str, Any]:
    """The rules at this device's gate, as the vectors spell them, with ``gate``, ``zone_code``, ``period``, ``allowed`` (may this
    device decide here), ``keys`` (the public ones of the show) and ``version``, a hash of all of it that serves as ETag."""
    rules = {
        "gate": {"id": post.gate_id, "code": post.gate_code, "name": {"zh": post.gate_zh, "en": post.gate_en}},
        "edition_id": post.edition_id,
        "zone_code": post.zone,
        "period": post.period,
        "allowed": post.allowed,
        "direction": post.direction,
        "zone": post.timezone,
        "utc_offsets": utc_offsets(post.timezone, post.starts_on - MARGIN, post.ends_on + MARGIN),
        "first_day": post.starts_on.isoformat(),
        "last_day": post.ends_on.isoformat(),
        "days": [
            {"day": day.isoformat(), "opens_at": _time(opens), "closes_at": _time(closes)}
            for day, opens, closes in db.session.execute(
                select(OpeningDay.day, OpeningDay.opens_at, OpeningDay.closes_at)
                .where(OpeningDay.edition_id == post.edition_id)
                .order_by(OpeningDay.day)
            )
        ],
        "any_time": post.any_time,
        "classes": list(post.classes),
        "zone_classes": list(post.zone_classes),
        "timed_classes": list(post.counted_classes),
        "windows": [
            {
                "class_code": w.class_code,
                "day": w.day.isoformat() if w.day else None,
                "opens_at": _time(w.opens_at),
                "closes_at": _time(w.closes_at),
            }
            for w in post.windows
        ],
        "anti_passback": post.anti_passback,
        "cooldown_minutes": post.cooldown_minutes,
        "capacity": post.capacity,
        "offline": False,
        "restricted": post.restricted,
        "stale_hours": post.stale_hours,
        # With the rules, because a device whose keys are all burnt believes no list until it has heard of the next.
        "keys": keys.published(post.show_id),
    }
    text = json.dumps(rules, sort_keys=True, ensure_ascii=False)
    return {**rules, "version": hashlib.sha256(text.encode()).hexdigest()[:16]}


def _time(at: dt.time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def utc_offsets(timezone: str, first: dt.date, last: dt.date) -> list[tuple[str, int]]:
    """[(instant, minutes)]: from the instant on, local time is UTC plus so many minutes; changes are found to the minute."""
    zone = clock.zone(timezone)
    at = dt.datetime.combine(first, dt.time.min, dt.UTC)
    end = dt.datetime.combine(last, dt.time.min, dt.UTC)
    out = [(_instant(at), _offset(at, zone))]
    while at < end:
        after = at + dt.timedelta(days=1)
        if _offset(after, zone) != out[-1][1]:
            low, high = at, after
            while high - low > dt.timedelta(minutes=1):
                middle = low + (high - low) // 2
                middle = middle.replace(second=0, microsecond=0)
                low, high = (middle, high) if _offset(middle, zone) == out[-1][1] else (low, middle)
            out.append((_instant(high), _offset(high, zone)))
        at = after
    return out


def _offset(at: dt.datetime, zone: dt.tzinfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() / 60)


def _instant(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
