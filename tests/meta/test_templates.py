"""Every template has somebody who asks for it, by a name that can be searched for."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"


def test_every_template_is_named_where_it_is_used() -> None:
    """A page or part by its whole path, in code or another template; a mail by its folder, as ``messaging.services.queue`` takes it."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "expo_crm").rglob("*.py"))
    texts = {path.relative_to(TEMPLATES): path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.*")}
    everything = code + "\n".join(texts.values())
    unused = []
    for path in sorted(texts):
        mail = path.parts[0] == "email" and len(path.parts) == 3
        name, where = (path.parts[1], code) if mail else (path.as_posix(), everything)
        if f'"{name}"' not in where and f"'{name}'" not in where:
            unused.append(path.as_posix())
    assert unused == []
