"""The reader that the test client puts over every page finds what it is there for."""

from __future__ import annotations

import pytest

from tests.support.pages import problems_of

GOOD = """<!doctype html><html lang="zh"><head><title>展会</title><link rel="icon" href="/x.svg"></head>
<body><label for="name">名</label><input id="name"><p>one<p>two<ul><li>a<li>b</ul>
<svg viewBox="0 0 1 1"><title>x</title><path d="M0 0"/></svg><script type="application/json">{"a": "<p>"}</script></body></html>"""


def test_a_good_page_and_a_good_part_have_no_problem() -> None:
    assert problems_of(GOOD) == []
    assert problems_of("<tr><td>1</td></tr><tr><td>2</td></tr>") == []


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ('<p style="color:red">a</p>', "inline style"),
        ("<script>alert(1)</script>", "inline script"),
        ('<a onclick="x()">a</a>', "handlers in attributes"),
        ('<a hx-on:click="x()">a</a>', "handlers in attributes"),
        ('<i id="a"></i><b id="a"></b>', "'a' stands 2 times"),
        ("<div><p>a</p>", "<div> is not closed"),
        ("<p>a</p></div>", "</div> closes nothing"),
        ("<div><span>a</div></span>", "<span> is not closed before </div>"),
        ('<img src="/a.png">', "no alt text"),
        ('<script src="https://cdn.example/x.js"></script>', "another host"),
    ],
)
def test_a_problem_is_named(part: str, problem: str) -> None:
    assert any(problem in found for found in problems_of(part))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<title>展会</title>", "<title></title>", "no title"),
        (' lang="zh"', "", "no lang"),
        ('for="name"', 'for="other"', "#other, which is not on the page"),
    ],
)
def test_a_whole_page_needs_title_language_and_targets(old: str, new: str, problem: str) -> None:
    assert any(problem in found for found in problems_of(GOOD.replace(old, new, 1)))
