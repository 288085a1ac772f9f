"""The inventory's refusals and states in words; they join those of the package."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.views import labels

REFUSALS: dict[StrEnum, Any] = {
    No.WISH_BAD: _l("This wish cannot be met: check the sizes, and that the company is not lost."),
    No.WISH_EXISTS: _l("This company waits for the same already."),
    No.OFFER_OVER: _l("The offer is over. Somebody else may have the booth now."),
    No.REQUEST_DECIDED: _l("This request was decided already. Reload the page."),
    No.REQUEST_LIMIT: _l("At most %(limit)s booths can wait for an answer at the same time."),
    No.REQUEST_CLOSED: _l("Booths cannot be asked for here at the moment."),
    No.NEEDS_REASON: _l("Please enter a reason."),
    No.SAME_PRICE: _l("The booth has this price already."),
    No.BAD_PRICE: _l("A price is a number from 0 to 99,999,999."),
    No.OVERRIDE_OPEN: _l("Another price of booth %(code)s waits for approval already."),
    No.OVERRIDE_OWN: _l("Who asked for a price cannot approve it."),
    No.OVERRIDE_DECIDED: _l("This price was decided already. Reload the page."),
    No.OVERRIDE_STALE: _l(
        "Price or holder of booth %(code)s changed since this was asked. Refuse it and have it asked again."
    ),
    No.LIST_FROZEN: _l("Only a draft can be changed; only a published list in the edition's currency sets prices."),
    No.LIST_EMPTY: _l("A price list needs at least one price."),
    No.RULE_TWICE: _l("There is already a price for this kind, hall and sector."),
    No.BAD_DAYS: _l("The price list does not hold on this day."),
    No.NAME_MISSING: _l("Please enter a name in Chinese or English."),
    No.SELF_HOST: _l("A company cannot be its own guest."),
    No.OTHER_HOST: _l("This company is on the stand of another exhibitor already."),
    No.HAS_CONTRACT: _l("This company has a stand of its own in this edition."),
    No.HOST_NOT_MAIN: _l("Only a main exhibitor can have others on its stand."),
    No.NO_STAND: _l("Please choose a booth of this exhibitor."),
    No.PAVILION_FULL: _l("The pavilion may have %(limit)s companies, and they are entered."),
    No.PAVILION_CLOSED: _l("The entry for this pavilion is closed."),
    No.PAVILION_BOOTH: _l("This booth belongs to another pavilion or to none."),
    No.NAME_TAKEN: _l("This name is entered already."),
    No.ENTRY_DECIDED: _l("This entry was decided already. Reload the page."),
    No.NEIGHBOUR: _l(
        "Booth %(code)s is too near to booth %(other)s of %(company)s (%(why)s). To go on all the same, give a reason with it."
    ),
    No.SAME_COMPANY: _l("Please choose two different companies."),
    No.RULE_EXISTS: _l("There is already a rule for these two."),
    No.DRAW_EMPTY: _l("Save a formula first; and there must be companies that still look for space."),
    No.DRAW_PAST: _l("The first turn must be in the future."),
}
INPUT = {
    No.WISH_BAD, No.NEEDS_REASON, No.SAME_PRICE, No.BAD_PRICE, No.LIST_EMPTY, No.RULE_TWICE, No.BAD_DAYS, No.NAME_MISSING,
    No.SELF_HOST, No.NO_STAND, No.PAVILION_BOOTH, No.NAME_TAKEN, No.SAME_COMPANY, No.DRAW_EMPTY, No.DRAW_PAST,
}  # fmt: skip
labels.REFUSALS.update(REFUSALS)
labels.INPUT.update(INPUT)

LIST_STATES = {
    "draft": (_l("Draft"), "neutral"),
    "published": (_l("Published"), "success"),
    "retired": (_l("Replaced"), "neutral"),
}
OVERRIDE_STATES = {
    "asked": (_l("Waits for approval"), "warning"),
    "approved": (_l("Approved"), "success"),
    "refused": (_l("Refused"), "danger"),
    "ended": (_l("Ended"), "neutral"),
}
REQUEST_STATES = {
    "asked": (_l("Waits for an answer"), "warning"),
    "approved": (_l("Approved"), "success"),
    "refused": (_l("Refused"), "danger"),
    "withdrawn": (_l("Withdrawn"), "neutral"),
}
WISH_STATES = {
    "waiting": (_l("Waiting"), "info"),
    "offered": (_l("Offered"), "warning"),
    "taken": (_l("Taken"), "success"),
    "gone": (_l("Off the list"), "neutral"),
}
OFFER_STATES = {
    "open": (_l("Offered"), "warning"),
    "accepted": (_l("Accepted"), "success"),
    "declined": (_l("Declined"), "neutral"),
    "lapsed": (_l("Lapsed"), "neutral"),
}
ENTRY_STATES = {
    "entered": (_l("To check"), "warning"),
    "taken": (_l("On the stand"), "success"),
    "refused": (_l("Refused"), "danger"),
}
SLOT_STATES = {
    "waiting": (_l("Waiting"), "neutral"),
    "called": (_l("Called"), "warning"),
    "done": (_l("Has chosen"), "success"),
    "passed": (_l("Missed the turn"), "danger"),
}
FORMULA_NAMES = {
    "years": _l("Earlier editions in which it exhibited"),
    "loyalty": _l("Of these, the last ones without a gap"),
    "area": _l("Net m² at the last edition"),
    "area_total": _l("Net m² of all earlier editions"),
    "amount": _l("Booth money of the last edition, without tax"),
    "sponsorship": _l("Sponsorship ordered at the last edition"),
    "co_exhibitors": _l("Companies that shared its stand at the last edition"),
    "expected_m2": _l("Net m² it wants now"),
    "rebooking": _l("Comes back (true or false)"),
    "key_account": _l("Key account (true or false)"),
}
FORMULA_ERRORS = {
    "empty": _l("The formula is empty."),
    "too-long": _l("The formula is too long."),
    "syntax": _l("The formula cannot be read (near column %(detail)s)."),
    "not-allowed": _l("“%(detail)s” is not allowed in a formula."),
    "unknown-name": _l("There is no value “%(detail)s”."),
    "unknown-function": _l("There is no function “%(detail)s”."),
    "arguments": _l("The function “%(detail)s” has too few or too many values."),
    "divide-by-zero": _l("Divided by zero"),
    "kinds": _l("Values that do not go together"),
    "too-large": _l("Number too large"),
}
