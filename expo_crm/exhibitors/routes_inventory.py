"""Addresses of the inventory; ``register`` adds them to the package's blueprint."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.exhibitors.views import allocation, inventory, pavilions, portal_booth

I = "/e/<edition>/inventory"  # noqa: E741
P = "/portal/<int:participation_id>"


def register(blueprint: Blueprint) -> None:
    """Booths and prices, who waits and asks, pavilions, the draw; and the exhibitor's side in the portal."""

    def add(rule: str, view: object, endpoint: str, *methods: str) -> None:
        blueprint.add_url_rule(rule, endpoint, view, methods=list(methods) or ["GET"])  # type: ignore[arg-type]

    add(I, inventory.inventory, "inventory")
    add(f"{I}/booths/<int:booth_id>", inventory.inventory_booth, "inventory_booth")
    add(f"{I}/booths/<int:booth_id>/price", inventory.ask_price, "ask_price", "POST")
    add(f"{I}/booths/<int:booth_id>/sector", inventory.save_booth_sector, "save_booth_sector", "POST")
    add(f"{I}/booths/<int:booth_id>/hold", inventory.hold_despite, "hold_despite", "POST")
    add(f"{I}/agreed-prices", inventory.price_override_list, "price_overrides")
    add(f"{I}/agreed-prices/<int:override_id>", inventory.decide_price, "decide_price", "POST")
    add(f"{I}/price-lists", inventory.price_list_page, "price_lists")
    add(f"{I}/price-lists/new", inventory.new_price_list, "new_price_list", "GET", "POST")
    add(f"{I}/price-lists/<int:list_id>", inventory.price_list, "price_list")
    add(f"{I}/price-lists/<int:list_id>/edit", inventory.edit_price_list, "edit_price_list", "GET", "POST")
    add(f"{I}/price-lists/<int:list_id>/change", inventory.change_price_list, "change_price_list", "POST")
    add(f"{I}/price-lists/<int:list_id>/prices/new", inventory.edit_price_rule, "new_price_rule", "GET", "POST")
    add(
        f"{I}/price-lists/<int:list_id>/prices/<int:rule_id>",
        inventory.edit_price_rule,
        "edit_price_rule",
        "GET",
        "POST",
    )
    add(f"{I}/price-lists/<int:list_id>/booths", inventory.reprice, "reprice", "GET", "POST")
    add(f"{I}/waiting-list", allocation.waiting_list, "waiting_list", "GET", "POST")
    add(f"{I}/waiting-list/<int:wish_id>", allocation.change_wish, "change_wish", "POST")
    add(f"{I}/offers/<int:offer_id>", allocation.answer_offer, "answer_offer", "POST")
    add(f"{I}/requests", allocation.request_list, "booth_requests")
    add(f"{I}/requests/<int:request_id>", allocation.decide_request, "decide_request", "POST")
    add(f"{I}/draw", allocation.draw, "space_draw")
    add(f"{I}/draw/formula", allocation.save_formula, "save_formula", "POST")
    add(f"{I}/draw/hold", allocation.hold_draw, "hold_draw", "POST")
    add(f"{I}/draw/mail", allocation.mail_slots, "mail_slots", "POST")
    add(f"{I}/draw/order", allocation.running_order, "running_order")
    add(f"{I}/draw/turns/<int:slot_id>", allocation.set_slot, "set_slot", "POST")
    add(f"{I}/neighbours", allocation.neighbour_rules, "neighbour_rules", "GET", "POST")
    add(f"{I}/neighbours/<int:rule_id>/delete", allocation.delete_neighbour_rule, "delete_neighbour_rule", "POST")
    add(f"{I}/pavilions", pavilions.pavilion_list, "pavilions")
    add(f"{I}/pavilions/new", pavilions.edit_pavilion, "new_pavilion", "GET", "POST")
    add(f"{I}/pavilions/<int:pavilion_id>", pavilions.pavilion, "pavilion")
    add(f"{I}/pavilions/<int:pavilion_id>/edit", pavilions.edit_pavilion, "edit_pavilion", "GET", "POST")
    add(f"{I}/pavilion-entries/<int:entry_id>", pavilions.decide_entry, "decide_entry", "POST")
    add("/e/<edition>/exhibitors/<int:participation_id>/stand", pavilions.stand, "stand", "GET", "POST")
    add(
        "/e/<edition>/exhibitors/<int:participation_id>/stand/<int:guest_id>/leave",
        pavilions.leave_stand,
        "leave_stand",
        "POST",
    )
    add(f"{P}/choose", portal_booth.choose, "portal_choose")
    add(f"{P}/choose/<int:booth_id>", portal_booth.ask, "portal_ask_booth", "POST")
    add(f"{P}/requests/<int:request_id>/withdraw", portal_booth.withdraw, "portal_withdraw_request", "POST")
    add(f"{P}/pavilion", portal_booth.pavilion, "portal_pavilion", "GET", "POST")
    add(f"{P}/pavilion/<int:entry_id>/withdraw", portal_booth.withdraw_entry, "portal_withdraw_entry", "POST")
