"""What a file is, judged by its content and never by its name."""

from __future__ import annotations

import codecs
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Literal

from expo_crm.sheets.blob import Blob, blob_of
from expo_crm.sheets.errors import DEFAULT_LIMITS, Limits, SheetRefused

Kind = Literal["xlsx", "csv"]

_CHUNK = 256 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = (
    (b"%PDF", "format-pdf"),
    (b"\x89PNG", "format-image"),
    (b"\xff\xd8\xff", "format-image"),
    (b"GIF8", "format-image"),
    (b"\x1f\x8b", "format-archive"),
    (b"Rar!", "format-archive"),
    (b"7z\xbc\xaf", "format-archive"),
    (b"BZh", "format-archive"),
    (b"{\\rtf", "format-document"),
    (b"\x09\x08", "format-xls"),
    (b"\x09\x04", "format-xls"),
)
_MARKUP = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?P<tag>!doctype\s+html|html|head|body|table|meta|div|style|script|\?xml|\w+:)", re.I | re.S
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODINGS = (
    "utf-8-sig",
    "gb18030",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "big5",
    "cp1252",
    "shift_jis",
    "euc_kr",
    "cp1251",
    "utf-32",
)
"""What a user may choose when the guess is wrong."""


def detect_kind(data: Blob | bytes, limits: Limits = DEFAULT_LIMITS) -> Kind:
    """ "xlsx" or "csv"; SheetRefused for everything else, with a code that names what it is."""
    blob = blob_of(data)
    if blob.size > limits.size:
        raise SheetRefused("too-large", size=blob.size, limit=limits.size)
    if not any(chunk.strip(b"\x00\t\r\n \xef\xbb\xbf") for chunk in blob.chunks()):
        raise SheetRefused("empty")
    head = blob.head(16)
    if head.startswith(_OLE):
        raise SheetRefused("encrypted" if blob.holds(_utf16("EncryptedPackage")) else "format-xls")
    if head.startswith(b"PK"):
        check_archive(blob, limits)
        return "xlsx"
    for magic, code in _MAGIC:
        if head.startswith(magic):
            raise SheetRefused(code)
    return "csv"


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def check_archive(blob: Blob, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse an archive that is no plain XLSX or that would unpack to too much. Reads the directory only."""
    try:
        with blob.open() as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _check_members(members, blob.size, limits)
            _check_types(archive, {member.filename for member in members})
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        raise SheetRefused("corrupt") from None
    except (struct.error, zlib.error, UnicodeError, OverflowError):
        raise SheetRefused("corrupt") from None


def _check_members(members: list[zipfile.ZipInfo], packed: int, limits: Limits) -> None:
    """Counts, declared sizes, encryption and compression methods of the members."""
    if len(members) > limits.members:
        raise SheetRefused("too-many-members", count=len(members), limit=limits.members)
    if any(member.flag_bits & 1 for member in members):
        raise SheetRefused("encrypted")
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.unpacked:
        raise SheetRefused("unpacks-too-large", size=unpacked, limit=limits.unpacked)
    if unpacked > limits.ratio * packed:
        raise SheetRefused("packed-too-tightly", ratio=unpacked // max(packed, 1), limit=limits.ratio)
    methods = {member.compress_type for member in members}
    if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or len({m.filename for m in members}) < len(members):
        raise SheetRefused("corrupt")


def _check_types(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Tell a plain workbook from its relatives by the declared content types."""
    if "[Content_Types].xml" not in names:
        raise SheetRefused(_other_archive(archive, names))
    types = archive.read("[Content_Types].xml").lower()
    if b"sheet.binary.macroenabled" in types:
        raise SheetRefused("format-xlsb")
    if b"macroenabled" in types or b"vbaproject" in types or any(n.lower().endswith("vbaproject.bin") for n in names):
        raise SheetRefused("format-macro")
    if b"spreadsheetml.sheet.main+xml" not in types:
        raise SheetRefused("format-document" if b"officedocument" in types else "format-archive")


def _other_archive(archive: zipfile.ZipFile, names: set[str]) -> str:
    if "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype"):
        return "format-ods"
    return "format-archive"


def unpacked_chunks(blob: Blob, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack one member piecewise and stop at its declared size; SheetRefused("corrupt") when it holds more or less.

    The standard library trusts the declared size and other readers trust the stream: a file that lies to one of them
    is refused here, so that both see the same bytes.
    """
    packed = blob.chunks(_CHUNK, start=_data_start(blob, member), length=member.compress_size)
    total = 0
    try:
        for chunk in _inflate(packed, member.compress_type):
            total += len(chunk)
            if total > member.file_size:
                raise SheetRefused("corrupt")
            yield chunk
    except zlib.error:
        raise SheetRefused("corrupt") from None
    if total != member.file_size:
        raise SheetRefused("corrupt")


def _data_start(blob: Blob, member: zipfile.ZipInfo) -> int:
    """Where the packed bytes of a member begin, from its local header."""
    header = b"".join(blob.chunks(start=member.header_offset, length=30))
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise SheetRefused("corrupt")
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    return member.header_offset + 30 + int(name_length) + int(extra_length)


def _inflate(packed: Iterator[bytes], method: int) -> Iterator[bytes]:
    if method == zipfile.ZIP_STORED:
        yield from packed
        return
    unpacker = zlib.decompressobj(-15)
    for piece in packed:
        rest = piece
        while len(rest) and not unpacker.eof:
            yield unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unconsumed_tail
    while not unpacker.eof and (last := unpacker.decompress(b"", _CHUNK)):
        yield last
    if not unpacker.eof:
        raise SheetRefused("corrupt")


def detect_encoding(data: Blob | bytes) -> str:
    """The Python codec of a text file: BOM, strict UTF-8, UTF-16 without BOM, GB18030, Windows-1252, in this order.

    UTF-8 with a few damaged letters is still UTF-8 (they show as U+FFFD). SheetRefused("format-binary") for binary
    data, SheetRefused("encoding-unknown") when nothing fits.
    """
    blob = blob_of(data)
    head = blob.head(4096)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if b"\x00" in head and (wide := _bare_utf16(blob, head)):
        return wide
    if sum(chunk.count(b"\x00") for chunk in blob.chunks()) > blob.size // 100:
        raise SheetRefused("format-binary")
    if decodes(blob, "utf-8"):
        return "utf-8-sig"
    if mostly_utf8(blob):
        return "utf-8-sig"
    if _looks_double_byte(blob) and decodes(blob, "gb18030"):
        return "gb18030"
    if decodes(blob, "cp1252"):
        return "cp1252"
    if decodes(blob, "gb18030"):
        return "gb18030"
    raise SheetRefused("encoding-unknown")


def _bare_utf16(blob: Blob, head: bytes) -> str | None:
    """UTF-16 without BOM shows as zeros in every other byte of its ASCII letters."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    for zeros, other, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > len(head) // 10 and zeros > 10 * other and blob.size % 2 == 0 and decodes(blob, name):
            return name
    return None


def decodes(data: Blob | bytes, encoding: str) -> bool:
    """True when `data` is strictly valid in `encoding`; decodes piecewise."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in blob_of(data).chunks():
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeError:
        return False
    return True


_UTF8_RUN = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def mostly_utf8(blob: Blob) -> bool:
    """True when nineteen of twenty high bytes belong to valid UTF-8 sequences."""
    valid = high = 0
    for chunk in blob.chunks():  # a sequence that two pieces share is counted as damaged: one in 256 KB
        valid += sum(len(run) for run in _UTF8_RUN.findall(chunk))
        high += sum(len(run) for run in _HIGH_RUN.findall(chunk))
    return valid > 0 and valid >= 0.95 * high


def _looks_double_byte(blob: Blob) -> bool:
    """True when most high bytes come in even runs of GB 2312 pairs, not alone between ASCII letters as accents do."""
    runs = _HIGH_RUN.findall(blob.head(4 * 1024 * 1024))
    paired = sum(len(run) for run in runs if len(run) % 2 == 0 and min(run) >= 0xA1)
    return paired >= 0.6 * sum(len(run) for run in runs)


def refuse_markup(text: str) -> None:
    """Refuse a page or an XML table that was saved under a table's name."""
    found = _MARKUP.match(text[:4096])
    if found:
        raise SheetRefused("format-xml" if found["tag"].lower() in ("?xml",) or ":" in found["tag"] else "format-html")
