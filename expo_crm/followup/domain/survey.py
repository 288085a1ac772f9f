"""What a survey asks, what counts as an answer, and when it is open. Pure: no clock, no database."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from expo_crm.lib import text

TEXT_LIMIT = 4000
"""Longest free answer kept; the rest is cut between graphemes."""

SCALE = range(1, 6)
NPS = range(11)


class Audience(StrEnum):
    VISITORS = "visitors"
    EXHIBITORS = "exhibitors"


class Kind(StrEnum):
    NPS = "nps"
    SCALE = "scale"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"


class Excluded(StrEnum):
    """Why somebody of the edition gets no invitation."""

    NOT_THERE = "not_there"  # registered or booked, but did not come
    NOT_APPROVED = "not_approved"
    NOT_COUNTED = "not_counted"  # a class that is no visitor: press, crew …
    NO_EMAIL = "no_email"
    OPTED_OUT = "opted_out"
    SAME_PERSON = "same_person"


class AnswerError(ValueError):
    """An answer that cannot be taken. ``code``: required, not_a_choice, not_a_number, out_of_range."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A number (nps, scale), or codes joined by ``,`` / free text; ``empty`` when nothing was answered."""

    number: int | None = None
    text: str = ""

    @property
    def empty(self) -> bool:
        return self.number is None and self.text == ""


def read_answer(kind: str, options: Sequence[dict[str, str]], required: bool, given: Sequence[str]) -> Answer:
    """The answer in what a form sent; AnswerError when it is none. An unanswered optional question is an empty answer."""
    filled = [value for value in given if not text.is_blank(value)]
    if not filled:
        if required:
            raise AnswerError("required")
        return Answer()
    if kind in {Kind.NPS, Kind.SCALE}:
        return Answer(number=_number(filled, NPS if kind == Kind.NPS else SCALE))
    if kind == Kind.TEXT:
        return Answer(text=text.clean(filled[0], multiline=True, limit=TEXT_LIMIT))
    return Answer(text=_codes(kind, options, filled))


def _number(filled: Sequence[str], allowed: range) -> int:
    if len(filled) != 1 or not re.fullmatch(r"-?[0-9]{1,6}", filled[0], re.ASCII):
        raise AnswerError("not_a_number")
    value = int(filled[0])
    if value not in allowed:
        raise AnswerError("out_of_range")
    return value


def _codes(kind: str, options: Sequence[dict[str, str]], filled: Sequence[str]) -> str:
    known = [option["code"] for option in options]
    if (kind == Kind.CHOICE and len(filled) != 1) or any(value not in known for value in filled):
        raise AnswerError("not_a_choice")
    return ",".join(code for code in known if code in filled)


def is_open(state: str, closes_at: dt.datetime | None, now: dt.datetime) -> bool:
    """True while answers are taken: the survey is open and its closing moment has not come. The moment itself is closed."""
    return state == "open" and (closes_at is None or now < closes_at)


def closing_moment(last_day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The first instant after ``last_day`` in the show's zone, in UTC: the day itself is still open to its last second."""
    return dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time.min, zone).astimezone(dt.UTC)


def last_day(closes_at: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The day that `closing_moment` was made from."""
    return (closes_at.astimezone(zone) - dt.timedelta(microseconds=1)).date()


def parse_options(lines: str) -> list[dict[str, str]]:
    """Options typed one a line as ``中文 | English``; one language alone stands for both. Codes are kept by position."""
    out: list[dict[str, str]] = []
    for line in lines.splitlines():
        zh, _bar, en = (part.strip() for part in line.replace("｜", "|").partition("|"))
        zh, en = text.clean(zh, limit=200), text.clean(en, limit=200)
        if zh or en:
            out.append({"code": f"o{len(out) + 1}", "zh": zh or en, "en": en or zh})
    return out


def format_options(options: Iterable[dict[str, str]]) -> str:
    """The lines that `parse_options` reads."""
    return "\n".join(f"{o['zh']} | {o['en']}" for o in options)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a template."""

    kind: Kind
    zh: str
    en: str
    options: tuple[tuple[str, str, str], ...] = ()
    required: bool = True

    @property
    def option_rows(self) -> list[dict[str, str]]:
        return [{"code": code, "zh": zh, "en": en} for code, zh, en in self.options]


@dataclass(frozen=True, slots=True)
class Template:
    """A survey to start from, in both languages."""

    audience: Audience
    title_zh: str
    title_en: str
    intro_zh: str
    intro_en: str
    questions: tuple[Question, ...]


_RETURN = (
    ("yes", "一定会", "Certainly"),
    ("likely", "很可能会", "Probably"),
    ("unsure", "还不确定", "Not sure yet"),
    ("no", "不会", "No"),
)

TEMPLATES: dict[str, Template] = {
    "visitors": Template(
        Audience.VISITORS,
        "观众满意度调查",
        "Visitor satisfaction survey",
        "感谢您的莅临！只需两分钟，您的意见将直接用于改进下一届展会。",
        "Thank you for coming! Two minutes of your time help us make the next edition better.",
        (
            Question(
                Kind.NPS,
                "您有多大可能向同事或同行推荐本展会？",
                "How likely are you to recommend this show to a colleague or peer?",
            ),
            Question(Kind.SCALE, "总体而言，您对本届展会满意吗？", "Overall, how satisfied are you with this edition?"),
            Question(
                Kind.SCALE,
                "您对展品范围与展商质量满意吗？",
                "How satisfied are you with the range and quality of the exhibitors?",
            ),
            Question(
                Kind.SCALE,
                "您对登记与入场流程满意吗？",
                "How satisfied are you with registration and entry?",
                required=False,
            ),
            Question(
                Kind.SCALE, "您对同期活动满意吗？", "How satisfied are you with the concurrent events?", required=False
            ),
            Question(
                Kind.CHOICES,
                "您此次参观的主要目的是什么？（可多选）",
                "What were your main reasons for visiting? (several possible)",
                (
                    ("buy", "采购产品", "To buy products"),
                    ("new", "了解新产品与新技术", "To see new products and technology"),
                    ("suppliers", "寻找新供应商", "To find new suppliers"),
                    ("contacts", "维护业务关系", "To meet business partners"),
                    ("market", "了解市场趋势", "To learn about the market"),
                    ("exhibit", "考察是否参展", "To decide whether to exhibit"),
                ),
            ),
            Question(
                Kind.CHOICE,
                "您的参观目的达到了吗？",
                "Did you reach what you came for?",
                (
                    ("fully", "完全达到", "Fully"),
                    ("mostly", "基本达到", "Mostly"),
                    ("partly", "部分达到", "In part"),
                    ("not", "没有达到", "Not at all"),
                ),
            ),
            Question(Kind.CHOICE, "您会参观下一届展会吗？", "Will you visit the next edition?", _RETURN),
            Question(Kind.TEXT, "我们最应该改进什么？", "What should we improve first?", required=False),
        ),
    ),
    "exhibitors": Template(
        Audience.EXHIBITORS,
        "展商满意度调查",
        "Exhibitor satisfaction survey",
        "感谢贵公司参展！请用三分钟告诉我们，怎样让下一届展会为您带来更多客户。",
        "Thank you for exhibiting! Three minutes of your time tell us how the next edition can bring you more customers.",
        (
            Question(
                Kind.NPS,
                "您有多大可能向同行推荐参加本展会？",
                "How likely are you to recommend exhibiting here to a business partner?",
            ),
            Question(
                Kind.SCALE,
                "总体而言，您对参展效果满意吗？",
                "Overall, how satisfied are you with the result of exhibiting?",
            ),
            Question(
                Kind.SCALE, "您对专业观众的数量满意吗？", "How satisfied are you with the number of trade visitors?"
            ),
            Question(
                Kind.SCALE, "您对专业观众的质量满意吗？", "How satisfied are you with the quality of trade visitors?"
            ),
            Question(Kind.SCALE, "您对主办方的服务满意吗？", "How satisfied are you with the organizer's service?"),
            Question(
                Kind.SCALE,
                "您对展位位置与搭建满意吗？",
                "How satisfied are you with your stand's place and build-up?",
                required=False,
            ),
            Question(
                Kind.CHOICES,
                "您参展的主要目标是什么？（可多选）",
                "What were your main goals? (several possible)",
                (
                    ("leads", "获取新客户", "To win new customers"),
                    ("care", "维护老客户", "To look after existing customers"),
                    ("launch", "发布新产品", "To launch new products"),
                    ("brand", "提升品牌形象", "To strengthen the brand"),
                    ("dealers", "寻找代理与经销商", "To find agents and dealers"),
                    ("orders", "现场签单", "To sign orders at the show"),
                ),
            ),
            Question(
                Kind.CHOICE,
                "您的参展目标达到了吗？",
                "Did you reach your goals?",
                (
                    ("fully", "完全达到", "Fully"),
                    ("mostly", "基本达到", "Mostly"),
                    ("partly", "部分达到", "In part"),
                    ("not", "没有达到", "Not at all"),
                ),
            ),
            Question(
                Kind.CHOICE, "贵公司会参加下一届展会吗？", "Will your company exhibit at the next edition?", _RETURN
            ),
            Question(
                Kind.CHOICE,
                "如果参加，您打算要多大的展位？",
                "If so, what size of stand do you have in mind?",
                (
                    ("larger", "比本届大", "Larger than this time"),
                    ("same", "与本届相同", "The same"),
                    ("smaller", "比本届小", "Smaller"),
                    ("unsure", "还不确定", "Not sure yet"),
                ),
                required=False,
            ),
            Question(Kind.TEXT, "什么会让您下一届更满意？", "What would make you happier next time?", required=False),
        ),
    ),
}


def as_json(question: Question, position: int) -> dict[str, Any]:
    """The columns of a stored question."""
    return {
        "position": position,
        "kind": question.kind.value,
        "label_zh": question.zh,
        "label_en": question.en,
        "options": question.option_rows,
        "required": question.required,
    }
