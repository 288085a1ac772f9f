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


def test_a_text_has_one_chinese_everywhere():
    """The catalogues are merged at run time: with two translations of one text, which one shows would be chance."""
    seen: dict[str, dict[str, str]] = {}
    for folder in owners():
        for message in load(catalogue_path(folder)):
            if message.id:
                key, chinese = (m if isinstance(m, str) else m[0] for m in (message.id, message.string))
                seen.setdefault(key, {})[chinese] = folder.parent.name
    assert {key: found for key, found in seen.items() if len(found) > 1} == {}


def test_a_bare_percent_sign_breaks_no_page():
    """Templates fill in placeholders of every text, so a lone % in a translation would end in an error page."""
    for folder in owners():
        for message in load(catalogue_path(folder)):
            for text in (message.id, message.string):
                for form in [text] if isinstance(text, str) else text:
                    assert not re.search(r"%(?!\(\w+\)[sd])", (form or "").replace("%%", "")), form
