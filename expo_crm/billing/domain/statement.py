"""Bank statements as files: camt.053 and tables become rows of money that came in. Pure, nothing is fetched or resolved."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.parsers import expat

from expo_crm.lib import money

CAMT = re.compile(r"^urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d\d)$")
MAX_DEPTH, MAX_ENTRIES, MAX_TEXT = 60, 100_000, 4000


class StatementRefused(Exception):
    """A file that is no statement. ``code``: xml-doctype, xml-broken, not-camt, too-deep, too-many, columns-missing."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass(frozen=True)
class Entry:
    """Money that came in: booked on, amount (> 0), who paid, what they wrote, the bank's own reference or ''."""

    booked_on: dt.date
    amount: Decimal
    currency: str
    payer: str = ""
    remittance: str = ""
    reference: str = ""
    account: str = ""


@dataclass
class Parsed:
    """What a file gave. ``skipped`` went out or is not booked yet, ``refused`` names the lines that could not be read."""

    entries: list[Entry] = field(default_factory=list)
    skipped: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def fingerprints(entries: Iterable[Entry]) -> list[str]:
    """One mark per entry that is the same in every file that holds it. Without a bank reference equal rows are counted,
    so that two payments alike on one day stay two and the same file read again gives the same marks."""
    seen: Counter[tuple[str, ...]] = Counter()
    out = []
    for e in entries:
        facts: tuple[str, ...] = (e.booked_on.isoformat(), f"{e.amount:.2f}", e.currency, e.payer, e.remittance, e.reference)
        seen[facts] += 1
        out.append(hashlib.sha256("\x1f".join((*facts, str(seen[facts]))).encode()).hexdigest())
    return out


class _Tree:
    """A small element tree by expat that refuses every document type, hence every entity, and great depth."""

    def __init__(self) -> None:
        self.root: dict[str, Any] | None = None
        self.stack: list[dict[str, Any]] = []
        self.entries = 0
        self.namespace = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _sep, local = name.rpartition("}")
        node: dict[str, Any] = {"name": local, "at": attributes, "text": "", "kids": []}
        if not self.stack:
            self.root, self.namespace = node, space
        else:
            self.stack[-1]["kids"].append(node)
        self.stack.append(node)
        if len(self.stack) > MAX_DEPTH:
            raise StatementRefused("too-deep")
        if local == "Ntry":
            self.entries += 1
            if self.entries > MAX_ENTRIES:
                raise StatementRefused("too-many", limit=MAX_ENTRIES)

    def end(self, _name: str) -> None:
        self.stack.pop()

    def text(self, data: str) -> None:
        if self.stack and len(self.stack[-1]["text"]) < MAX_TEXT:
            self.stack[-1]["text"] += data


def _refuse_doctype(*_args: Any) -> None:
    raise StatementRefused("xml-doctype")


def _all(node: dict[str, Any] | None, *path: str) -> list[dict[str, Any]]:
    nodes = [node] if node else []
    for name in path:
        nodes = [kid for n in nodes for kid in n["kids"] if kid["name"] == name]
    return nodes


def _text(node: dict[str, Any] | None, *path: str) -> str:
    return " ".join(n["text"].strip() for n in _all(node, *path) if n["text"].strip())


def parse_camt(data: bytes) -> Parsed:
    """Booked credits of a camt.053 file, versions 02 to 08. A batch entry with details gives one row for each of them.

    Raises StatementRefused.
    """
    tree = _Tree()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = tree.start, tree.end, tree.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise StatementRefused("xml-broken", line=error.lineno) from None
    known = CAMT.match(tree.namespace)
    if known is None or not 2 <= int(known[1]) <= 8:
        raise StatementRefused("not-camt")
    out = Parsed()
    number = 0
    for statement in _all(tree.root, "BkToCstmrStmt", "Stmt"):
        account = _text(statement, "Acct", "Id", "IBAN") or _text(statement, "Acct", "Id", "Othr", "Id")
        for entry in _all(statement, "Ntry"):
            number += 1
            status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
            if _text(entry, "CdtDbtInd") != "CRDT" or status != "BOOK" or _text(entry, "RvslInd").lower() in {"true", "1"}:
                out.skipped += 1
                continue
            try:
                out.entries += _entries(entry, account)
            except ValueError:
                out.refused.append((number, "unreadable"))
    return out


def _amount(node: dict[str, Any]) -> tuple[Decimal, str]:
    currency = node["at"].get("Ccy", "")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ValueError("currency")
    value = money.parse_money(node["text"].strip())
    if value <= 0:
        raise ValueError("amount")
    return value, currency


REMITTANCE = (("RmtInf", "Ustrd"), ("RmtInf", "Strd", "CdtrRefInf", "Ref"))


def _entries(entry: dict[str, Any], account: str) -> list[Entry]:
    day = dt.date.fromisoformat((_text(entry, "BookgDt", "Dt") or _text(entry, "BookgDt", "DtTm") or _text(entry, "ValDt", "Dt"))[:10])
    amounts = _all(entry, "Amt")
    if not amounts:
        raise ValueError("amount")
    whole, currency = _amount(amounts[0])
    reference = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    details = _all(entry, "NtryDtls", "TxDtls")
    rows = []
    for detail in details:
        parts = _all(detail, "Amt") or _all(detail, "AmtDtls", "TxAmt", "Amt")
        amount, unit = _amount(parts[0]) if parts and len(details) > 1 else (whole, currency)
        rows.append(
            Entry(
                day,
                amount,
                unit,
                (_text(detail, "RltdPties", "Dbtr", "Nm") or _text(detail, "RltdPties", "Dbtr", "Pty", "Nm"))[:300],
                " ".join(filter(None, (_text(detail, *path) for path in REMITTANCE)))[:2000] or _text(entry, "AddtlNtryInf")[:2000],
                (_text(detail, "Refs", "AcctSvcrRef") or _text(detail, "Refs", "TxId") or reference)[:300],
                account[:60],
            )
        )  # fmt: skip
    # Details that do not add up to the booked amount are not believed: the bank booked the entry.
    if len(rows) == 1 or (rows and sum(r.amount for r in rows) == whole and {r.currency for r in rows} == {currency}):
        return rows
    words = " ".join(filter(None, (r.remittance for r in rows)))[:2000] or _text(entry, "AddtlNtryInf")[:2000]
    payer = rows[0].payer if rows else ""
    return [Entry(day, whole, currency, payer, words, reference[:300], account[:60])]


FIELDS: dict[str, tuple[str, ...]] = {
    "day": ("交易日期", "交易时间", "记账日期", "入账日期", "日期", "交易日", "date", "booking date", "transaction date", "buchungstag"),
    "credit": (
        "贷方发生额", "贷方金额", "收入金额", "收入", "转入金额", "存入金额", "贷方发生额(收入)", "收入(贷)",
        "credit", "credit amount", "amount in",
    ),
    "amount": ("交易金额", "发生额", "金额", "amount", "betrag"),
    "direction": ("借贷标志", "借贷方向", "借/贷", "收支", "收/支", "debit/credit", "dc"),
    "payer": (
        "对方户名", "对方名称", "对方单位名称", "付款人名称", "付款人", "付款方户名", "payer", "counterparty", "auftraggeber", "name",
    ),
    "remark": ("附言", "备注", "用途", "remittance information", "reference text", "verwendungszweck", "details", "description"),
    "summary": ("摘要", "交易摘要", "summary"),
    "reference": ("流水号", "交易流水号", "交易流水", "凭证号", "回单编号", "业务参考号", "bank reference", "transaction id", "reference"),
    "currency": ("币种", "货币", "currency", "ccy", "währung"),
    "account": ("账号", "本方账号", "我方账号", "account", "iban", "konto"),
}  # fmt: skip
"""Header words of Chinese banks' exports (and a few others) by field."""

_IN = {"贷", "贷方", "收", "收入", "转入", "c", "cr", "crdt", "credit", "+"}
_DATE = re.compile(r"^(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[ T].*|\d{6})?$")


def parse_day(value: str) -> dt.date:
    """2026-03-02, 2026/3/2, 20260302, 2026年3月2日, each also with a time, and 02.03.2026, day first. ValueError otherwise.

    8/6/2026 is refused: it is August in one country and June in the next.
    """
    value = value.strip()
    if found := re.match(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T].*)?$", value):
        value = "-".join(found.group(3, 2, 1))
    found = re.match(r"^(\d{4})(\d{2})(\d{2})(?:\D.*|\d{6})?$", value) or _DATE.match(value)
    if not found:
        raise ValueError("day")
    day = dt.date(*(int(part) for part in found.groups()[:3]))
    if not 2000 <= day.year <= 2100:
        raise ValueError("day")
    return day


def read_row(cells: dict[str, str], currency: str, account: str) -> Entry | None:
    """A row of a table by field; None for money that went out. Raises ValueError with the name of the field."""
    try:
        day = parse_day(cells.get("day", ""))
    except ValueError:
        raise ValueError("day") from None
    shown = (cells.get("credit") or "").strip() if "credit" in cells else (cells.get("amount") or "").strip()
    if shown in {"", "-", "--"} or _is_out(cells):
        return None
    try:
        amount = money.parse_money(shown, minimum=None)
    except money.AmountError:
        raise ValueError("amount") from None
    if amount <= 0:
        return None
    unit = (cells.get("currency") or "").strip().upper()
    unit = {"人民币": "CNY", "人民币元": "CNY", "RMB": "CNY", "美元": "USD", "欧元": "EUR", "港币": "HKD", "": currency}.get(unit, unit)
    if not re.fullmatch(r"[A-Z]{3}", unit):
        raise ValueError("currency")
    words = " ".join(dict.fromkeys(part.strip() for part in (cells.get("summary", ""), cells.get("remark", "")) if part.strip()))
    own = re.sub(r"\s", "", cells.get("account", ""))[:60] or account
    return Entry(day, amount, unit, cells.get("payer", "").strip()[:300], words[:2000], cells.get("reference", "").strip()[:300], own)


def _is_out(cells: dict[str, str]) -> bool:
    mark = cells.get("direction", "").strip().lower()
    return bool(mark) and mark not in _IN
