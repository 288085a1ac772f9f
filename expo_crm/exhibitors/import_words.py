"""What an import says: refused files, refused rows, notes, likenesses. Codes live below; the words for them are here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.exhibitors.domain.import_match import Decision, Verdict
from expo_crm.exhibitors.domain.import_rows import RowReason
from expo_crm.exhibitors.services.importing import FIELDS, ImportRefused
from expo_crm.sheets.errors import SheetRefused, SheetWarning

VERDICTS: dict[str, Any] = {
    Verdict.NEW: _l("New row"),
    Verdict.MATCH: _l("Known"),
    Verdict.CONFLICT: _l("To decide"),
    Verdict.REFUSED: _l("Row refused"),
}
VERDICT_TONES = {Verdict.NEW: "success", Verdict.MATCH: "info", Verdict.CONFLICT: "warning", Verdict.REFUSED: "danger"}
DECISIONS: dict[str, Any] = {
    Decision.MATCH: _l("Same company"),
    Decision.NEW: _l("New company"),
    Decision.SKIP: _l("Not imported"),
}
STATES: dict[str, Any] = {
    "reading": _l("Reading the file"),
    "uploaded": _l("Uploaded"),
    "mapped": _l("Checking rows"),
    "previewed": _l("Ready to load"),
    "loading": _l("Loading"),
    "done": _l("Loaded"),
    "failed": _l("Failed"),
    "rolling_back": _l("Taking back"),
    "rolled_back": _l("Taken back"),
}
WORKING: dict[str, Any] = {
    "reading": _l("Reading the file"),
    "mapped": _l("Checking rows"),
    "loading": _l("Loading"),
    "rolling_back": _l("Taking back"),
}
STATE_TONES = {
    "reading": "progress",
    "rolling_back": "progress",
    "uploaded": "neutral",
    "mapped": "progress",
    "previewed": "warning",
    "loading": "progress",
    "done": "success",
    "failed": "danger",
    "rolled_back": "neutral",
}
_REASONS: dict[str, Any] = {
    RowReason.NAME_MISSING: _l("There is no company name."),
    RowReason.NAME_EMAIL: _l("The company name is an e-mail address: “%(value)s”."),
    RowReason.NAME_TEST: _l("“%(value)s” looks like a test row."),
    RowReason.NAME_UNREADABLE: _l("The company name cannot be read: “%(value)s”."),
    RowReason.NAME_DAMAGED: _l("The company name has damaged characters: “%(value)s”. Choose another encoding."),
    RowReason.TOO_LONG: _l("“%(field)s” is too long: “%(value)s”."),
    RowReason.NUMBER: _l("“%(field)s” is no number: “%(value)s”."),
    RowReason.NUMBER_RANGE: _l("“%(field)s” is out of range: “%(value)s”."),
    RowReason.EMAIL: _l("“%(field)s” is no e-mail address: “%(value)s”."),
    RowReason.PHONE_ROUNDED: _l(
        "“%(field)s” was rounded by the spreadsheet: “%(value)s”. Format the column as text and export again."
    ),
    RowReason.STAND_DATE: _l(
        "The spreadsheet turned the stand number into a date: “%(value)s”. Format the column as text and export again."
    ),
    RowReason.CELL_TOO_LONG: _l("A cell has more than 32,767 characters."),
    RowReason.TOO_MANY_CELLS: _l("The row has more cells than the header; probably a delimiter inside a text."),
    RowReason.QUOTE_OPEN: _l("A quotation mark is opened and never closed."),
}
_MATCHES: dict[str, Any] = {
    "tax-id": _l("Same tax number"),
    "name": _l("Same name"),
    "domain": _l("Same website, similar name"),
    "line": _l("Same company as line %(line)s of this file"),
    "tax-id-other-name": _l("Same tax number, but another name"),
    "several": _l("Several known companies fit"),
    "contradiction": _l("Same name, but other facts differ"),
    "domain-other-name": _l("Same website, but another name"),
    "similar": _l("Similar name"),
}
_NOTES: dict[str, Any] = {
    "credit-code-check": _l("The check digit of the credit code %(value)s is wrong."),
    "country-unknown": _l("Country “%(value)s” is not known and was left out."),
    "stand-unread": _l("“%(value)s” names no stand."),
    "stand-shortened": _l("The list of stands is long and is shown shortened."),
    "sector-shortened": _l("The list of categories is long and is shown shortened."),
    "email-several": _l("Several e-mail addresses; the first one is taken."),
    "contact-unnamed": _l("E-mail without a name: the address stands for the person."),
}
_EVIDENCE: dict[str, Any] = {
    "tax-id": _l("same tax number"),
    "domain": _l("same website"),
    "name-written": _l("same name"),
    "name": _l("name equal"),
    "brand": _l("brand equal"),
    "place": _l("place equal"),
    "trade": _l("line of trade equal"),
    "form": _l("legal form differs"),
    "pinyin": _l("sounds the same"),
    "typo": _l("one letter differs"),
    "prefix": _l("one name begins with the other"),
    "words": _l("same words"),
    "branch": _l("branch office"),
    "similar": _l("similar"),
    "place-differs": _l("place differs"),
    "trade-differs": _l("line of trade differs"),
    "tax-id-differs": _l("tax number differs"),
    "domain-differs": _l("website differs"),
    "country-differs": _l("country differs"),
}
_AGAINST = {"form", "branch", "place-differs", "trade-differs", "tax-id-differs", "domain-differs", "country-differs"}
_FILES: dict[str, Any] = {
    "empty": _l("The file is empty."),
    "no-rows": _l("There is a header, but no row below it."),
    "too-large": _l("The file is larger than 100 MB. Split it."),
    "too-many-rows": _l("The file has more than 500,000 rows. Split it into several files."),
    "too-many-columns": _l("The file has more than 256 columns."),
    "too-many-cells": _l("The sheet is too large. Delete unused rows and columns, or save it as CSV."),
    "too-many-members": _l("This file has too many parts for a spreadsheet."),
    "unpacks-too-large": _l("The file unpacks to too much data."),
    "packed-too-tightly": _l("The file unpacks to too much data."),
    "corrupt": _l("The file is damaged. Open it in your spreadsheet program and save it again."),
    "encrypted": _l("The file is protected by a password. Save a copy without one."),
    "format-xls": _l("This is an old Excel file (.xls). Save it as .xlsx or as CSV."),
    "format-xlsb": _l("This is a binary Excel file (.xlsb). Save it as .xlsx or as CSV."),
    "format-ods": _l("This is an OpenDocument sheet (.ods). Save it as .xlsx or as CSV."),
    "format-macro": _l("This workbook contains macros. Save it as .xlsx without macros."),
    "format-html": _l(
        "This is a web page under the name of a table. Open it in your spreadsheet program and save it as .xlsx."
    ),
    "format-xml": _l("This is an XML file. Save it as .xlsx or as CSV."),
    "format-pdf": _l("This is a PDF. Ask for the list as .xlsx or CSV."),
    "format-image": _l("This is a picture, not a table."),
    "format-archive": _l("This is an archive. Unpack it and choose the table in it."),
    "format-document": _l("This is a text document, not a table."),
    "format-binary": _l("This is no table that can be read."),
    "xml-doctype": _l("The file contains instructions that a spreadsheet must not have."),
    "encoding-unknown": _l("The characters of the file cannot be read. Save it as CSV in UTF-8 or as .xlsx."),
    "encoding-wrong": _l("The file is not in the chosen encoding."),
    "delimiter-unknown": _l("The columns could not be told apart. Choose the delimiter."),
    "sheet-unknown": _l("There is no such sheet in the workbook."),
    "header-unknown": _l("There is no such line in the file."),
}
_WARNINGS: dict[str, Any] = {
    "header-missing": _l("No header row was found; the columns are named A, B, C …"),
    "header-doubled": _l("Two columns are named “%(header)s”."),
    "header-guessed": _l("The header row was guessed. Check it below."),
    "merged-cells": _l("Merged cells: their text stands in the first cell only."),
    "phone-science": _l("A number was rounded by the spreadsheet (“%(text)s”)."),
    "number-precision": _l("A number has more than 15 digits; its end is lost."),
    "replacement-character": _l("Damaged characters; another encoding may fit better."),
    "excel-error": _l("A formula shows an error."),
    "cell-too-long": _l("A cell has more than 32,767 characters; its row is refused."),
    "too-many-cells": _l("A row has more cells than the header; it is refused."),
    "quote-open": _l("A quotation mark is opened and never closed."),
    "control-characters": _l("The file contains control characters; they are dropped."),
    "hidden-sheet-used": _l("The sheet “%(sheet)s” is hidden in the workbook."),
}
_STEPS: dict[str, Any] = {
    "name-unmapped": _l("Choose the column that holds the company name."),
    "column-unknown": _l("There is no column “%(header)s” in the file."),
    "column-twice": _l("The column “%(header)s” is chosen twice."),
    "undecided": _l("%(count)s rows are still to be decided."),
    "busy": _l("This import is being worked on. Please wait until it has finished."),
    "done": _l("This import is finished."),
    "nothing-to-load": _l("There is no row that could be loaded."),
    "no-candidate": _l("There is no such company to choose."),
}
_LABELS = {f.key: f.label for f in FIELDS}


def field_label(key: str) -> str:
    return _(_LABELS[key]) if key in _LABELS else ""


def file_refused(error: SheetRefused) -> str:
    return str(_FILES.get(error.code, _FILES["format-binary"]))


def file_warning(warning: SheetWarning) -> str:
    """The warning with its place, and how often it occurs."""
    words = str(_WARNINGS.get(warning.code, warning.code)) % {"header": "", "text": "", "sheet": "", **warning.params}
    if warning.line:
        words = _("Line %(line)s: %(text)s", line=warning.line, text=words)
    return words


def step_refused(error: ImportRefused) -> str:
    return str(_STEPS[error.code]) % {"header": "", "count": "", **error.params}


def row_reason(verdict: str, reason: str, detail: Mapping[str, Any], mapping: Mapping[str, str] | None = None) -> str:
    """Why a row is where it is. A refused row names its column as the file does."""
    facts = {"field": "", "value": "", "line": detail.get("match", {}).get("line", ""), **detail}
    if verdict == Verdict.REFUSED:
        facts["field"] = (mapping or {}).get(detail.get("field", "")) or field_label(detail.get("field", ""))
        return str(_REASONS.get(reason, reason)) % facts
    return str(_MATCHES[reason]) % facts if reason in _MATCHES else ""


def notes(detail: Mapping[str, Any]) -> list[str]:
    """What was left out of a row that is taken."""
    return [str(_NOTES[n["code"]]) % n for n in detail.get("notes", ()) if n["code"] in _NOTES]


def evidence(words: list[str]) -> list[tuple[str, bool]]:
    """The likenesses of a candidate in words; True for what speaks for it."""
    return [(str(_EVIDENCE[w]), w not in _AGAINST) for w in words if w in _EVIDENCE]


REPLACEABLE: dict[str, Any] = {
    "name_zh": _l("Chinese name"),
    "name_en": _l("English name"),
    "website": _l("Website"),
    "phone": _l("Switchboard"),
    "country": _l("Country or region"),
    "province": _l("Province"),
    "city": _l("City"),
    "address": _l("Address"),
    "intro_zh": _l("Profile in Chinese"),
    "intro_en": _l("Profile in English"),
}
