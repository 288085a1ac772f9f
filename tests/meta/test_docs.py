"""The documents name what exists."""

from __future__ import annotations

import re

import pytest

from expo_crm.config import ROOT
from expo_crm.db import Base


def test_the_data_model_names_every_table(app):
    text = (ROOT / "docs/data-model.md").read_text(encoding="utf-8")
    assert [name for name in Base.metadata.tables if f"`{name}`" not in text] == []


@pytest.fixture(scope="module")
def texts():
    """All texts of the screens: English and Chinese."""
    found = {"msgid": set(), "msgstr": set()}
    for path in (ROOT / "expo_crm").glob("**/translations/zh/LC_MESSAGES/messages.po"):
        for kind, text in re.findall(r'^(msgid|msgstr)(?:\[0\])? "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE):
            found[kind].add(text.replace('\\"', '"'))
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("guide-*.md")), ids=lambda path: path.name)
def test_what_a_guide_sets_in_bold_stands_on_a_screen(path, texts):
    known = texts["msgstr" if path.name.endswith(".zh.md") else "msgid"]
    named = [part for bold in re.findall(r"\*\*(.+?)\*\*", path.read_text(encoding="utf-8")) for part in bold.split(" → ")]
    assert len(named) > 10
    assert [name for name in named if name not in known] == []
