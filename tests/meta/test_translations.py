"""Everything on screen exists in Chinese."""

from __future__ import annotations

import re

from expo_crm.cli.translate import catalogue_path, load, missing_texts, owners


def test_no_text_is_without_chinese():
    assert missing_texts() == []


def test_placeholders_survive_translation():
    for folder in owners():
        for message in load(catalogue_path(folder)):
            if not message.id:
                continue
            english = message.id if isinstance(message.id, str) else message.id[0]
            chinese = message.string if isinstance(message.string, str) else message.string[0]
            wanted, found = (set(re.findall(r"%\((\w+)\)[sd]", text)) for text in (english, chinese))
            assert found <= wanted | {"num"}, english
            if isinstance(message.id, str):
                assert wanted == found, english
