"""Forms of the import: the file, how to read it, which column is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import IntegerField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import NumberRange, Optional

from expo_crm.exhibitors.services.importing import FIELDS
from expo_crm.sheets.detect import ENCODINGS
from expo_crm.sheets.map import Suggestion
from expo_crm.sheets.read import Table
from expo_crm.web.forms import BaseForm

ENCODING_NAMES = {
    "utf-8-sig": "UTF-8",
    "gb18030": "GBK / GB18030",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "big5": "Big5",
    "cp1252": "Windows-1252",
    "shift_jis": "Shift JIS",
    "euc_kr": "EUC-KR",
    "cp1251": "Windows-1251",
    "utf-32": "UTF-32",
}
DELIMITERS = {
    ",": _l("Comma ,"),
    ";": _l("Semicolon ;"),
    "\t": _l("Tab"),
    "|": _l("Bar |"),
    "，": _l("Full-width comma ，"),
}


class UploadForm(BaseForm):
    file = FileField(_l("File"), [FileRequired(message=_l("Please choose a file."))])


class ReadForm(BaseForm):
    """How to read the file; "automatic" everywhere at first."""

    encoding = SelectField(_l("Characters"), [Optional()])
    delimiter = SelectField(_l("Columns are separated by"), [Optional()])
    sheet = SelectField(_l("Sheet"), [Optional()])
    header_line = IntegerField(_l("Header in line"), [Optional(), NumberRange(min=0, max=1000)])

    def offer(self, table: Table | None) -> None:
        """Set the choices; without a table (it could not be read) all that could help are offered."""
        auto = SelectChoice("", _("Automatic"))
        self.encoding.choices = [auto, *(SelectChoice(code, ENCODING_NAMES[code]) for code in ENCODINGS)]
        self.delimiter.choices = [auto, *(SelectChoice(code, label) for code, label in DELIMITERS.items())]
        self.sheet.choices = [auto, *(SelectChoice(s.name, s.name) for s in (table.sheets if table else ()))]

    @property
    def options(self) -> dict[str, object]:
        chosen = {"encoding": self.encoding.data, "delimiter": self.delimiter.data, "sheet": self.sheet.data}
        return {key: value for key, value in chosen.items() if value} | (
            {} if self.header_line.data is None else {"header_line": self.header_line.data}
        )


def mapping_of(form: Mapping[str, str]) -> dict[str, str]:
    """Field → column from the posted mapping screen, whose selects are named ``map-<field>``."""
    return {field.key: form.get(f"map-{field.key}", "")[:300] for field in FIELDS if form.get(f"map-{field.key}")}


def rows_of_mapping(
    table: Table, chosen: Mapping[str, str], suggested: Mapping[str, Suggestion], samples: Sequence[Sequence[str]]
) -> list[dict[str, object]]:
    """What the mapping screen shows of each field: the chosen column, how sure the suggestion is, and values of it."""
    places = {header: index for index, header in enumerate(table.headers)}
    out = []
    for field in FIELDS:
        header = chosen.get(field.key, "")
        found = suggested.get(field.key)
        values = [row[places[header]] for row in samples] if header in places else []
        out.append(
            {
                "key": field.key,
                "label": _(field.label),
                "header": header,
                "sure": round(found.confidence * 100) if found and found.header == header else None,
                "suggested": found.header if found and not header else "",
                "values": [v for v in dict.fromkeys(values) if v][:3],
            }
        )
    return out
