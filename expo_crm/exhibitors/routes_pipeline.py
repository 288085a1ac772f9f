"""Addresses of forecast, targets, competitors' shows, quotes and the weekly sheet."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.exhibitors.views import competitors, pipeline, quotes, targets, weekly

E = "/e/<edition>"
C = f"{E}/competitors/<int:competitor_id>"
Q = f"{E}/quotes/<int:quote_id>"


def connect(blueprint: Blueprint) -> None:
    """Add them to the package's blueprint."""
    add = blueprint.add_url_rule
    post = ["POST"]
    add(f"{E}/pipeline", view_func=pipeline.pipeline, endpoint="pipeline")
    add(f"{E}/pipeline/chances", view_func=pipeline.set_stage_weights, endpoint="set_stage_weights", methods=post)

    add(f"{E}/targets", view_func=targets.targets, endpoint="targets")
    add(f"{E}/targets/set", view_func=targets.set_target, endpoint="set_target", methods=post)
    add(f"{E}/targets/teams", view_func=targets.save_team, endpoint="save_team", methods=post)
    add(f"{E}/targets/teams/delete", view_func=targets.delete_team, endpoint="delete_team", methods=post)

    add(f"{E}/competitors", view_func=competitors.competitors, endpoint="competitors")
    add(f"{E}/competitors/new", view_func=competitors.new_competitor, endpoint="new_competitor", methods=post)
    add(f"{E}/competitors/take", view_func=competitors.take_prospects, endpoint="take_prospects", methods=post)
    add(C, view_func=competitors.competitor, endpoint="competitor")
    add(f"{C}/edit", view_func=competitors.edit_competitor, endpoint="edit_competitor", methods=post)
    add(f"{C}/delete", view_func=competitors.delete_competitor, endpoint="delete_competitor", methods=post)
    add(f"{C}/forget", view_func=competitors.forget_presences, endpoint="forget_presences", methods=post)
    add(f"{C}/match", view_func=competitors.match_competitor_list, endpoint="match_competitor_list", methods=post)
    add(f"{C}/list", view_func=competitors.take_competitor_list, endpoint="take_competitor_list", methods=post)

    add(f"{E}/quotes", view_func=quotes.quotes, endpoint="quotes")
    add(
        f"{E}/recruitment/<int:opportunity_id>/quote",
        view_func=quotes.new_quote,
        endpoint="new_quote",
        methods=["GET", "POST"],
    )
    add(Q, view_func=quotes.quote, endpoint="quote")
    add(f"{Q}/quote.pdf", view_func=quotes.quote_file, endpoint="quote_pdf")
    add(f"{Q}/send", view_func=quotes.send_quote, endpoint="send_quote", methods=post)
    add(f"{Q}/decline", view_func=quotes.decline_quote, endpoint="decline_quote", methods=post)
    add(f"{Q}/accept", view_func=quotes.accept_quote, endpoint="accept_quote", methods=post)

    add(f"{E}/weekly", view_func=weekly.weekly_sheet, endpoint="weekly")
    add(f"{E}/weekly/sheet.xlsx", view_func=weekly.weekly_xlsx, endpoint="weekly_xlsx")
    add(f"{E}/weekly/sheet.pdf", view_func=weekly.weekly_file, endpoint="weekly_pdf")
