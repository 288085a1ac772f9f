"""What can be wrong with a file, as stable codes; the page puts them into words."""

from __future__ import annotations

from dataclasses import dataclass, field


class SheetRefused(Exception):
    """A file that is not read at all. `code` is stable, `params` are the numbers and names of the message.

    Codes: empty, no-rows, too-large, too-many-rows, too-many-columns, too-many-cells, too-many-members, unpacks-too-large,
    packed-too-tightly, corrupt, encrypted, format-xls, format-xlsb, format-ods, format-macro, format-html, format-xml,
    format-pdf, format-image, format-archive, format-document, format-binary, xml-doctype, encoding-unknown,
    encoding-wrong, delimiter-unknown, sheet-unknown, header-unknown.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code if not params else f"{code} {params}")
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class SheetWarning:
    """Something to look at before importing. `line` and `column` count from 1; 0 means the whole file.

    Codes: header-missing, header-doubled, header-guessed, merged-cells, phone-science, number-precision,
    replacement-character, excel-error, cell-too-long, too-many-cells, quote-open, control-characters, hidden-sheet-used.
    """

    code: str
    line: int = 0
    column: int = 0
    params: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one upload. Sizes in bytes; `cells` is the box of rows x columns that holds every value."""

    size: int = 20 * 1024 * 1024
    unpacked: int = 200 * 1000 * 1000
    ratio: int = 100
    members: int = 1000
    rows: int = 200_000
    columns: int = 256
    cells: int = 5_000_000
    cell_characters: int = 32_767


DEFAULT_LIMITS = Limits()
LARGE_LIMITS = Limits(size=100 * 1024 * 1024, unpacked=800 * 1000 * 1000, rows=500_000, cells=20_000_000)
"""For lists that a job reads piece by piece from the disk."""
