"""Addresses of agents and their settlements."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.exhibitors.views import agents

A = "/e/<edition>/agents"
ONE = f"{A}/<int:agent_id>"
S = f"{ONE}/settlements/<int:settlement_id>"


def connect(blueprint: Blueprint) -> None:
    """Add them to the package's blueprint."""
    add = blueprint.add_url_rule
    add(A, view_func=agents.agents, endpoint="agents")
    add(f"{A}/new", view_func=agents.new_agent, endpoint="new_agent", methods=["GET", "POST"])
    add(ONE, view_func=agents.agent, endpoint="agent")
    add(f"{ONE}/edit", view_func=agents.edit_agent, endpoint="edit_agent", methods=["GET", "POST"])
    add(f"{ONE}/accounts", view_func=agents.keep_account, endpoint="keep_account", methods=["POST"])
    add(f"{ONE}/accounts/<int:account_id>/drop", view_func=agents.drop_account, endpoint="drop_account", methods=["POST"])
    add(f"{ONE}/settlements", view_func=agents.draft_settlement, endpoint="draft_settlement", methods=["POST"])
    add(S, view_func=agents.settlement, endpoint="settlement")
    add(f"{S}/<any(approve, pay, discard):step>", view_func=agents.settle, endpoint="settle_settlement", methods=["POST"])
    add(f"{S}/settlement.xlsx", view_func=agents.settlement_xlsx, endpoint="settlement_xlsx")
    add(f"{S}/settlement.pdf", view_func=agents.settlement_pdf, endpoint="settlement_pdf")
