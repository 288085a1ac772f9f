"""The documents name what exists."""

from __future__ import annotations

from expo_crm.config import ROOT
from expo_crm.db import Base


def test_the_data_model_names_every_table(app):
    text = (ROOT / "docs/data-model.md").read_text(encoding="utf-8")
    assert [name for name in Base.metadata.tables if f"`{name}`" not in text] == []
