"""Reads every page that the test client fetches, and refuses what a browser or a screen reader would stumble over."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from typing import Any

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# SVG parts may close themselves, and HTML lets these be left open.
OPTIONAL_END = {"p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot"}


class PageError(AssertionError):
    """A page breaks a rule that holds for all of them."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: Counter[str] = Counter()
        self.open: list[str] = []
        self.title = ""
        self.lang = ""
        self.is_document = False
        self.needed: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]], closed: bool = False) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.problems.append(f"<{tag}> repeats an attribute")
        self._rules(tag, given)
        if not closed and tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs, closed=True)

    def _rules(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "html":
            self.is_document, self.lang = True, given.get("lang") or ""
        if name := given.get("id"):
            self.ids[name] += 1
        if "style" in given or tag == "style":
            self.problems.append(f"<{tag}> has inline style, which the Content-Security-Policy refuses")
        if tag == "script" and "src" not in given and not (given.get("type") or "").endswith("json"):
            self.problems.append("an inline script, which the Content-Security-Policy refuses")
        for attribute, value in given.items():
            # `onclick` and the like; htmx's hx-on:* needs eval, which is refused too.
            if (attribute.startswith("on") and not attribute.startswith("on-")) or attribute.startswith("hx-on"):
                self.problems.append(f"<{tag} {attribute}>: handlers in attributes are refused by the policy")
            elsewhere = (value or "").startswith(("http://", "https://", "//"))
            if attribute in {"src", "href"} and elsewhere and tag in {"script", "link", "img"}:
                self.problems.append(f"<{tag}> loads {value} from another host")
            if attribute in {"aria-describedby", "aria-labelledby", "for"}:
                self.needed.extend((f"<{tag} {attribute}>", name) for name in (value or "").split())
        if tag == "img" and "alt" not in given:
            self.problems.append(f"<img src={given.get('src')}> has no alt text")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag not in self.open:
            self.problems.append(f"</{tag}> closes nothing")
            return
        while (last := self.open.pop()) != tag:
            if last not in OPTIONAL_END:
                self.problems.append(f"<{last}> is not closed before </{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data.strip()


def problems_of(html: str) -> list[str]:
    """What is wrong with a page or a part of one; an empty list when nothing is."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = reader.problems
    found += [f"id {name!r} stands {count} times" for name, count in reader.ids.items() if count > 1]
    found += [f"<{tag}> is not closed" for tag in reader.open if tag not in OPTIONAL_END]
    if reader.is_document:
        lost = [(where, name) for where, name in reader.needed if name not in reader.ids]
        found += [f"{where} points to #{name}, which is not on the page" for where, name in lost]
        if not reader.title:
            found.append("the page has no title")
        if not reader.lang:
            found.append("<html> has no lang")
    return found


def check(response: Any) -> None:
    """Refuse a response that is a server error, or an HTML page with problems. Raises PageError."""
    where = f"{response.request.method} {response.request.full_path}" if response.request else "response"
    if response.status_code >= 500:
        raise PageError(f"{where} answered {response.status}")
    if response.mimetype != "text/html" or 300 <= response.status_code < 400:  # nobody reads a redirect's body
        return
    if found := problems_of(response.get_data(as_text=True)):
        raise PageError(f"{where}:\n  " + "\n  ".join(dict.fromkeys(found)))
