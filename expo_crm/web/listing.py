"""One way to show a list: search, filters in the URL, sort, pages, export. A view declares it; a macro renders it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, current_app, redirect, request, url_for
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Select, and_, false, func, select

from expo_crm.db import db
from expo_crm.lib import text
from expo_crm.web import i18n

PER_PAGE = 50
PER_PAGE_CHOICES = (25, 50, 100, 200)
EXPORT_LIMIT = 100_000
VOLATILE = frozenset({"page", "view", "lang", "export"})


@dataclass(frozen=True)
class Column:
    """One column. ``value`` gives the plain value (export, default cell); ``cell`` the HTML where it differs.

    ``sort`` is the SQL expression(s) to order by; None means the column cannot be sorted. ``join`` adds to the query what these
    expressions name; only the rows are asked with it, and only when the list is in this order.
    ``kind``: text | number | date | status | code (the number of a document, in one line). ``hide_on_phone`` drops it below 576 px;
    ``primary`` is the card's title there. ``export_only`` columns appear in files and not on screen; ``optional`` ones on screen only
    when the reader chose them.
    """

    key: str
    label: Any
    value: Callable[[Any], Any]
    cell: Callable[[Any], Any] | None = None
    sort: Any = None
    join: Callable[[Select[*tuple[Any, ...]]], Select[*tuple[Any, ...]]] | None = None
    kind: str = "text"
    hide_on_phone: bool = False
    primary: bool = False
    export_only: bool = False
    optional: bool = False

    @property
    def sortable(self) -> bool:
        return self.sort is not None

    @property
    def numeric(self) -> bool:
        return self.kind == "number"


@dataclass(frozen=True)
class Filter:
    """A filter that lives in the URL. ``where(value)`` gives the SQL condition, or None when the value changes nothing."""

    key: str
    label: Any
    choices: Sequence[tuple[str, Any]]
    where: Callable[[str], ColumnElement[bool] | None]
    kind: str = "select"  # select | date | check
    value: str = ""


@dataclass(frozen=True)
class Bulk:
    url: str
    label: Any
    icon: str
    confirm: Any = ""


@dataclass(frozen=True)
class Empty:
    icon: str
    title: Any
    text: Any = ""
    action_url: str = ""
    action_label: Any = ""


@dataclass(frozen=True)
class View:
    """A saved view as the list shows it: the address arguments behind a name."""

    id: int
    name: str
    url: str
    shared: bool
    current: bool
    mine: bool


@dataclass
class Listing:
    """A prepared page of a list; see templates/components/list.html."""

    id: str
    columns: list[Column]
    filters: list[Filter]
    q: str | None
    search_hint: Any
    sort: str
    desc: bool
    page: int
    per_page: int
    total: int
    rows: list[Any]
    empty: Empty
    bulk: list[Bulk] = field(default_factory=list)
    exportable: bool = True
    _row_url: Callable[[Any], str] | None = None
    choosable: list[tuple[Column, bool]] = field(default_factory=list)
    views: list[View] | None = None

    @property
    def url(self) -> str:
        return request.path

    @property
    def args(self) -> dict[str, str]:
        return {k: v for k, v in request.args.items() if k not in {"lang", "export"} and v}

    @property
    def saved_args(self) -> str:
        """What a saved view keeps of this page: search, filters, sort, size, columns."""
        return urlencode({k: v for k, v in self.args.items() if k not in VOLATILE})

    @property
    def other_args(self) -> dict[str, str]:
        """What stays when the columns are chosen anew."""
        return {k: v for k, v in self.args.items() if k not in {"cols", "page", "view"}}

    def _with(self, **changes: Any) -> str:
        args = {**self.args, **{k: v for k, v in changes.items() if v is not None}}
        for key, value in changes.items():
            if value is None:
                args.pop(key, None)
        return i18n.same_page(args)

    def sort_url(self, key: str) -> str:
        desc = "1" if self.sort == key and not self.desc else None
        return self._with(sort=key, desc=desc, page=None)

    def page_url(self, number: int) -> str:
        return self._with(page=str(number) if number > 1 else None)

    def per_page_url(self, size: int) -> str:
        return self._with(per_page=str(size), page=None)

    def export_url(self, fmt: str) -> str | None:
        return self._with(export=fmt, page=None) if self.exportable else None

    @property
    def clear_url(self) -> str:
        return url_for(request.endpoint or "", **(request.view_args or {}))

    @property
    def has_filters(self) -> bool:
        return bool(self.q) or any(f.value for f in self.filters)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))

    @property
    def first(self) -> int:
        return (self.page - 1) * self.per_page + 1 if self.total else 0

    @property
    def last(self) -> int:
        return min(self.page * self.per_page, self.total)

    def body(self, pick: str) -> Markup:
        """The rows of the table. Put together here: a template that looks at four hundred cells would take most of a list's time.

        ``pick``: what the box that ticks a row is called, with ``%(name)s`` for the row's name.
        """
        named = next((c for c in self.columns if c.primary), self.columns[0])
        heads = [(c, c.cell or c.value, *_cell_tags(c, primary=c is named)) for c in self.columns]
        out: list[str] = []
        for row in self.rows:
            url = self._row_url(row) if self._row_url else None
            key = getattr(row, "id", None)
            name = f' id="list-{self.id}-row-{key}"' if key is not None else ""
            out.append(f'\n<tr role="row"{_LINKED if url else ""}{name}>')
            if self.bulk:
                label = escape(pick % {"name": _shown(named, row).striptags()})
                out.append(
                    f'<td class="cell-pick" role="cell"><input class="form-check-input" type="checkbox" name="ids" value="{key}"'
                    f' form="bulk-{self.id}" id="list-{self.id}-pick-{key}" aria-label="{label}"></td>'
                )
            for column, read, filled, blank in heads:
                value = read(row)
                shown = "" if value is None else escape(value)
                empty = not shown or shown.isspace()
                if column is named and url and (empty or "<a " not in shown):
                    shown = f'<a class="row-link" href="{escape(url)}">{"–" if empty else shown}</a>'
                elif empty:
                    shown = _BLANK
                out.append(f"{blank if empty else filled}{shown}</td>")
            out.append("</tr>")
        return Markup("".join(out))  # noqa: S704 - every value was escaped on its way in


_LINKED = ' class="has-link"'
_BLANK = '<span class="blank" aria-hidden="true">–</span>'


def _cell_tags(column: Column, *, primary: bool) -> tuple[str, str]:
    """The opening tag of a cell with a value and of one without."""
    kind = f"cell-{column.kind}" if column.kind and column.kind not in {"text", "number"} else ""
    marks = ["cell-primary" if primary else "", "cell-number" if column.numeric else "", kind]
    marks.append("hide-on-phone" if column.hide_on_phone else "")
    rest = f'role="cell" data-label="{escape(str(column.label))}">'
    filled, blank = (" ".join(filter(None, [*marks, more])) for more in ("", "is-blank"))
    return f'<td class="{filled}" {rest}' if filled else f"<td {rest}", f'<td class="{blank}" {rest}'


def _shown(column: Column, row: Any) -> Markup:
    value = (column.cell or column.value)(row)
    return Markup("") if value is None else escape(value)


def build(
    *,
    id: str,
    query: Select[*tuple[Any, ...]],
    columns: Sequence[Column],
    default_sort: str,
    default_desc: bool = False,
    tie_break: Any,
    filters: Sequence[Filter] = (),
    search: Callable[[str], ColumnElement[bool]] | None = None,
    search_hint: Any = "",
    empty: Empty,
    row_url: Callable[[Any], str] | None = None,
    bulk: Sequence[Bulk] = (),
    exportable: bool = True,
    scalars: bool = True,
    load: Callable[[list[Any]], None] | None = None,
) -> Listing:
    """Read search, filters, sort and page from the request's query string and run the two queries (page and count).

    A wrong page, size or sort falls back to the nearest right one. ``load`` may fetch what the page's rows need
    in a constant number of further queries. ``scalars=False`` keeps rows as tuples.
    """
    args = request.args
    if "col" in args:  # the form that chooses columns names each one
        kept = {k: v for k, v in args.items() if k not in {"col", "cols", "page"} and v}
        abort(redirect(i18n.same_page(kept | {"cols": ",".join(args.getlist("col")[:60])})))
    q = text.clean(args.get("q", ""))[:100] if search else None
    if search and q:
        query = query.where(search(q))
    live: list[Filter] = []
    for item in filters:
        value = args.get(item.key, "")[:60]
        if item.kind == "select" and value not in {v for v, _ in item.choices}:
            value = ""
        condition = item.where(value) if value else None
        if condition is None:
            value = ""
        else:
            query = query.where(condition)
        live.append(Filter(item.key, item.label, item.choices, item.where, item.kind, value))
    sortable = {c.key: c for c in columns if c.sortable}
    sort = args.get("sort", "")
    desc = args.get("desc") == "1" if sort in sortable else default_desc
    sort = sort if sort in sortable else default_sort
    ordered = _order(query, sortable.get(sort), desc, tie_break)
    run = db.session.scalars if scalars else db.session.execute
    can_export = exportable and _may_export()
    if can_export and args.get("export") in {"csv", "xlsx"}:
        rows = list(run(ordered.limit(EXPORT_LIMIT)))
        if load:
            load(rows)
        abort(_export(id, columns, rows, args["export"]))
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    per_page = _int(args.get("per_page"), PER_PAGE)
    per_page = per_page if per_page in PER_PAGE_CHOICES else PER_PAGE
    page = min(max(1, _int(args.get("page"), 1)), max(1, -(-total // per_page)))
    rows = list(run(ordered.limit(per_page).offset((page - 1) * per_page)))
    if load:
        load(rows)
    choosable = [c for c in columns if not c.export_only]
    shown = _chosen(choosable, args.get("cols", ""))
    return Listing(
        id, shown, live, q, search_hint, sort, desc, page, per_page, total, rows, empty, list(bulk), can_export, row_url,
        [(c, c in shown) for c in choosable], _views(id),
    )  # fmt: skip


def _chosen(columns: list[Column], wanted: str) -> list[Column]:
    """The columns that the reader asked for; the one that names the row is always there."""
    keys = set(wanted.split(","))
    chosen = [c for c in columns if c.primary or c.key in keys] if wanted else []
    return chosen if any(not c.primary for c in chosen) else [c for c in columns if not c.optional]


def _views(list_id: str) -> list[View] | None:
    """The saved views of this list for whoever is signed in; None where nobody can save one."""
    from expo_crm.web.policy import current_principal

    provider = current_app.extensions.get("expo_views")
    return provider(list_id) if provider and current_principal().kind == "staff" else None


def _order(query: Select[*tuple[Any, ...]], column: Column | None, desc: bool, tie_break: Any) -> Select[*tuple[Any, ...]]:
    if column is not None and column.join is not None:
        query = column.join(query)
    keys = [] if column is None else list(column.sort) if isinstance(column.sort, (tuple, list)) else [column.sort]
    return query.order_by(*(_directed(k, desc) for k in keys), tie_break)


def _directed(key: Any, desc: bool) -> Any:
    """Empty values come last. A column without them is not told so, as no index gives DESC NULLS LAST."""
    ordered = key.desc() if desc else key.asc()
    return ordered if getattr(getattr(key, "expression", key), "nullable", True) is False else ordered.nulls_last()


def _int(value: str | None, default: int) -> int:
    return int(value) if value and re.fullmatch(r"\d{1,9}", value, re.ASCII) else default


def _may_export() -> bool:
    from expo_crm.web.policy import Permission, current_principal

    principal = current_principal()
    return principal.kind != "staff" or principal.can(Permission.EXPORT)


def _export(name: str, columns: Iterable[Column], rows: list[Any], fmt: str) -> Response:
    from expo_crm.sheets import write

    columns = list(columns)
    headers = [str(c.label) for c in columns]
    # Read now: the answer is sent after the request's context and its database session have ended.
    body = [[_plain(c.value(row)) for c in columns] for row in rows]
    log_export = current_app.extensions.get("expo_export_log")
    if log_export:
        log_export(name, len(rows), fmt)
    if fmt == "csv":
        return Response(
            write.write_csv(body, headers),
            mimetype="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )
    return Response(
        write.write_xlsx(body, headers),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
    )


def _plain(value: Any) -> Any:
    """Numbers stay numbers in a file; lazy texts become text."""
    return value if value is None or isinstance(value, (int, float, Decimal, str)) else str(value)


_PILL = Markup('<span class="pill pill-{}"><span class="pill-dot" aria-hidden="true"></span>{}</span>')


def pill(label: Any, tone: str = "neutral") -> Markup:
    """A state in a cell, as ``ui.status`` draws it; made here, since a template for each row would cost most of a list's time."""
    return _pill(str(label), tone)


@lru_cache(maxsize=2048)  # a label is said on fifty rows, on every list
def _pill(label: str, tone: str) -> Markup:
    return _PILL.format(tone, label)


def contains(column: Any, query: str) -> ColumnElement[bool]:
    """Every piece of a search occurs in the column, which holds ``lib.text.search_key``; LIKE wildcards are literal."""
    terms = text.search_terms(query)
    return and_(*(column.like(text.like_pattern(term), escape="\\") for term in terms)) if terms else false()
