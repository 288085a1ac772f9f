"""``flask translate``: the catalogues of every package, kept complete."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from flask.cli import AppGroup

from expo_crm.config import ROOT

translate = AppGroup("translate", help="Bring the catalogues up to date.")
KEYWORDS = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
SHARED_TEMPLATES = ("layouts", "components", "errors")


def owners() -> dict[Path, list[Path]]:
    """Catalogue folder → the sources whose texts it holds. What no package owns belongs to the shared catalogue."""
    package = ROOT / "expo_crm"
    packages = sorted(p for p in package.iterdir() if p.is_dir() and (p / "__init__.py").exists())
    own = [p for p in packages if p.name not in {"lib", "sheets", "web", "cli"}]
    shared = [
        *package.glob("*.py"),
        *(package / "web").rglob("*.py"),
        *(package / "cli").rglob("*.py"),
        *(package / "lib").rglob("*.py"),
        *(package / "sheets").rglob("*.py"),
    ]
    templates = ROOT / "templates"
    for folder in SHARED_TEMPLATES:
        shared += (templates / folder).rglob("*.html")
    shared += (templates / "email").glob("*.html")
    out = {package / "translations": shared}
    for p in own:
        sources = [*p.rglob("*.py"), *(templates / p.name).rglob("*.html")]
        sources += [f for f in (templates / "email").glob("*/*") if mail_owner(f.parent.name) == p.name]
        out[p / "translations"] = sources
    return out


MAIL_OWNERS = {"staff_invitation": "accounts"}


def mail_owner(template: str) -> str:
    """Mail templates are named ``<package>_<what>``, so the package is the first word."""
    return MAIL_OWNERS.get(template, template.split("_")[0])


def texts(sources: list[Path]) -> Iterator[tuple[str | tuple[str, ...], str, int]]:
    for path in sorted(sources):
        method = "python" if path.suffix == ".py" else "jinja2"
        options = {"trimmed": "true", "extensions": "jinja2.ext.do"} if method == "jinja2" else {}
        for line, message, _comments, _context in extract_from_file(method, path, keywords=KEYWORDS, options=options):
            yield message, str(path.relative_to(ROOT)), line


def catalogue_path(folder: Path) -> Path:
    return folder / "zh" / "LC_MESSAGES" / "messages.po"


def load(path: Path) -> Catalog:
    if not path.exists():
        return Catalog(locale="zh_Hans_CN")
    return read_po(io.BytesIO(path.read_bytes()), locale="zh_Hans_CN")


def fresh(sources: list[Path], old: Catalog, skip: set[str]) -> Catalog:
    """A catalogue of exactly the texts in the sources, with the translations that exist."""
    new = Catalog(locale="zh_Hans_CN", project="expo-crm", charset="utf-8")
    for message, where, _line in texts(sources):
        key = message[0] if isinstance(message, tuple) else message
        if not key or key in skip:
            continue
        known = old.get(key)
        plural = isinstance(message, tuple) and len(message) == 2
        new.add(
            message,
            string=known.string if known and known.string else ("",) if plural else None,
            locations=[(where, None)],  # type: ignore[list-item]
        )
    return new


@translate.command("extract")
@click.option("--package", default="", help="Only this package's catalogue ('shared' for the common one).")
@click.option("--from", "answers", type=click.Path(exists=True, path_type=Path), help="JSON file {English: Chinese} to fill in.")
def extract(package: str, answers: Path | None) -> None:
    """Write the catalogues anew: texts that exist, with the translations known."""
    given: dict[str, str] = json.loads(answers.read_text(encoding="utf-8")) if answers else {}
    shared: set[str] = set()
    for folder, sources in owners().items():
        path = catalogue_path(folder)
        old = load(path)
        new = fresh(sources, old, shared)
        if not shared:
            shared = {m.id if isinstance(m.id, str) else m.id[0] for m in new if m.id}
        if not any(m.id for m in new) or package not in {"", _name(folder)}:
            continue
        for message in new:
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            if key in given:
                message.string = (given[key],) if isinstance(message.id, tuple) else given[key]
        path.parent.mkdir(parents=True, exist_ok=True)
        out = io.BytesIO()
        write_po(out, new, width=0, sort_output=True, omit_header=False, include_lineno=False, ignore_obsolete=True)
        text = re.sub(
            r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid-Bugs-To):.*\n',
            "",
            out.getvalue().decode(),
            flags=re.M,
        )
        path.write_text(re.sub(r"\A(#.*\n)+", "", text), encoding="utf-8")


def missing_texts() -> list[tuple[str, str]]:
    """(catalogue, text) of every text that has no Chinese yet."""
    out = []
    shared: set[str] = set()
    for folder, sources in owners().items():
        known = load(catalogue_path(folder))
        seen: set[str] = set()
        for message, _where, _line in texts(sources):
            key = message[0] if isinstance(message, tuple) else message
            if not key or key in shared or key in seen:
                continue
            seen.add(key)
            entry = known.get(key)
            done = (
                entry is not None
                and not entry.fuzzy
                and (all(entry.string) if isinstance(entry.string, tuple) else entry.string)
            )
            if not done:
                out.append((str(folder.relative_to(ROOT)), key))
        if not shared:
            shared = seen
    return out


def _name(folder: Path) -> str:
    return "shared" if folder.parent.name == "expo_crm" else folder.parent.name


@translate.command("missing")
@click.option("--package", default="", help="Only this package.")
def missing(package: str) -> None:
    """List the texts that have no Chinese yet; exit 1 when there are some."""
    found = [(folder, key) for folder, key in missing_texts() if package in {"", _name(ROOT / folder)}]
    for folder, key in found:
        click.echo(f"{folder}: {key}")
    if found:
        raise SystemExit(1)


@translate.command("compile")
def compile_() -> None:
    """Make the .mo files."""
    for path in sorted((ROOT / "expo_crm").rglob("messages.po")):
        with path.with_suffix(".mo").open("wb") as out:
            write_mo(out, load(path))
