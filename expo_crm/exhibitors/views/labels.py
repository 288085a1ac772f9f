"""Words and colours of the states of this package, and its refusals in the user's language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm.exc import StaleDataError

from expo_crm.exhibitors.domain.booth import BoothRefusal, BoothState
from expo_crm.exhibitors.domain.contract import ContractRefusal, ContractState
from expo_crm.exhibitors.domain.contract_text import TextRefusal
from expo_crm.exhibitors.domain.opportunity import LostReason, MoveRefusal, Source, Stage
from expo_crm.exhibitors.domain.quote import QuoteRefusal
from expo_crm.exhibitors.domain.rebooking import RebookRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.web import i18n
from expo_crm.web.errors import Refused

STAGES: dict[str, Any] = {
    Stage.LEAD: _l("New lead"),
    Stage.CONTACTED: _l("Contacted"),
    Stage.INTENT: _l("Intent"),
    Stage.QUOTED: _l("Quoted"),
    Stage.HELD: _l("Booth held"),
    Stage.CONTRACTED: _l("Contracted"),
    Stage.DEPOSIT_PAID: _l("Deposit paid"),
    Stage.PAID: _l("Fully paid"),
    Stage.LOST: _l("Lost"),
}
STAGE_TONES: dict[str, str] = {
    Stage.LEAD: "neutral",
    Stage.CONTACTED: "neutral",
    Stage.INTENT: "info",
    Stage.QUOTED: "info",
    Stage.HELD: "warning",
    Stage.CONTRACTED: "progress",
    Stage.DEPOSIT_PAID: "success",
    Stage.PAID: "success",
    Stage.LOST: "danger",
}
LOST_REASONS: dict[str, Any] = {
    LostReason.PRICE: _l("Price too high"),
    LostReason.BUDGET: _l("No budget this year"),
    LostReason.DATE: _l("Date does not suit"),
    LostReason.RESULTS: _l("Not content with the last edition"),
    LostReason.COMPETITOR: _l("Goes to another show"),
    LostReason.LOCATION: _l("No suitable booth"),
    LostReason.STRATEGY: _l("Change of strategy or products"),
    LostReason.NO_ANSWER: _l("No answer"),
    LostReason.CLOSED: _l("Company closed or merged"),
    LostReason.OTHER: _l("Other reason"),
}
SOURCES: dict[str, Any] = {
    Source.REBOOKING: _l("Rebooking"),
    Source.WON_BACK: _l("Win back"),
    Source.NEW: _l("New customer"),
    Source.IMPORT: _l("Import"),
    Source.AGENT: _l("Agent"),
    Source.REFERRAL: _l("Referral"),
}
BOOTH_STATES: dict[str, Any] = {
    BoothState.AVAILABLE: _l("Available"),
    BoothState.HELD: _l("On hold"),
    BoothState.RESERVED: _l("Reserved"),
    BoothState.SOLD: _l("Sold"),
    BoothState.BLOCKED: _l("Not for sale"),
}
BOOTH_TONES: dict[str, str] = {
    BoothState.AVAILABLE: "neutral",
    BoothState.HELD: "warning",
    BoothState.RESERVED: "progress",
    BoothState.SOLD: "success",
    BoothState.BLOCKED: "danger",
}
BOOTH_KINDS: dict[str, Any] = {"shell": _l("Shell scheme"), "raw": _l("Raw space")}
CONTRACT_STATES: dict[str, Any] = {
    ContractState.DRAFT: _l("Draft"),
    ContractState.SENT: _l("Sent"),
    ContractState.SIGNED: _l("Signed"),
    ContractState.IN_FORCE: _l("In force"),
    ContractState.AMENDED: _l("Amended"),
    ContractState.CANCELLED: _l("Cancelled"),
}
CONTRACT_TONES: dict[str, str] = {
    ContractState.DRAFT: "neutral",
    ContractState.SENT: "info",
    ContractState.SIGNED: "progress",
    ContractState.IN_FORCE: "success",
    ContractState.AMENDED: "neutral",
    ContractState.CANCELLED: "danger",
}
VERSION_KINDS: dict[str, Any] = {
    "first": _l("First version"),
    "amendment": _l("Amendment"),
    "downsizing": _l("Downsizing"),
    "cancellation": _l("Cancellation"),
}
VERSION_STATES: dict[str, Any] = {"current": _l("Current"), "amended": _l("Amended"), "cancelled": _l("Cancelled")}
VERSION_TONES = {"current": "success", "amended": "neutral", "cancelled": "danger"}
ROLES: dict[str, Any] = {
    "main": _l("Main exhibitor"),
    "co": _l("Co-exhibitor"),
    "represented": _l("Represented company"),
}
OUTCOMES: dict[str, Any] = {
    "planned": _l("Planned"),
    "exhibited": _l("Exhibited"),
    "cancelled": _l("Cancelled"),
    "no_show": _l("Absent"),
}
OUTCOME_TONES = {"planned": "info", "exhibited": "success", "cancelled": "danger", "no_show": "warning"}


LETTERS = {
    "zh": {BoothState.HELD: "留", BoothState.RESERVED: "订", BoothState.SOLD: "售", BoothState.BLOCKED: "停"},
    "en": {BoothState.HELD: "H", BoothState.RESERVED: "R", BoothState.SOLD: "S", BoothState.BLOCKED: "X"},
}


def booth_letter(state: str) -> str:
    """One sign per state for the plan, so that colour is never alone; none for a free booth."""
    return LETTERS[i18n.locale()].get(BoothState(state), "")


REFUSALS: dict[StrEnum, Any] = {
    MoveRefusal.UNKNOWN_STAGE: _l("There is no such stage."),
    MoveRefusal.UNKNOWN_SHOW: _l("This show of a competitor is not on the list any more."),
    MoveRefusal.NEEDS_REASON: _l("Please choose why it was lost."),
    MoveRefusal.NEEDS_HOLD: _l("Hold a booth for this company first; the card then moves by itself."),
    MoveRefusal.NEEDS_CONTRACT: _l("This stage is reached when the contract is signed."),
    MoveRefusal.NEEDS_DEPOSIT: _l("This stage is reached when the deposit invoice is paid."),
    MoveRefusal.NEEDS_PAYMENT: _l("This stage is reached when all invoices are paid."),
    MoveRefusal.HAS_HOLD: _l("A booth is held for this company. Release it first."),
    MoveRefusal.HAS_CONTRACT: _l("There is a contract. Cancel it first."),
    BoothRefusal.HELD_BY_OTHER: _l("Booth %(code)s is held for another company."),
    BoothRefusal.RESERVED: _l("Booth %(code)s is reserved."),
    BoothRefusal.SOLD: _l("Booth %(code)s is sold."),
    BoothRefusal.BLOCKED: _l("Booth %(code)s is blocked."),
    BoothRefusal.NOT_HELD: _l("Booth %(code)s is not held for this company."),
    BoothRefusal.HOLD_TOO_LONG: _l("A booth can be held for 30 days at most."),
    BoothRefusal.HOLD_IN_PAST: _l("The hold would end in the past."),
    BoothRefusal.OPPORTUNITY_LOST: _l("This opportunity is lost. Take it up again before you hold a booth."),
    BoothRefusal.NO_BOOTH: _l("Please choose a booth."),
    BoothRefusal.CODE_TAKEN: _l("There is already a booth %(code)s in this edition."),
    BoothRefusal.CODE_UNREADABLE: _l("“%(code)s” is no booth number: it needs at least one digit."),
    BoothRefusal.OVERLAPS: _l("Booth %(code)s would overlap booth %(other)s."),
    BoothRefusal.OUTSIDE_HALL: _l("Booth %(code)s would stand outside the hall (%(width)s × %(depth)s m)."),
    BoothRefusal.TOO_MANY: _l("At most %(limit)s booths can be made at once."),
    BoothRefusal.IN_USE: _l("Booth %(code)s is in use: a contract or a hold stands on it."),
    BoothRefusal.NO_OUTLINE: _l("Booth %(code)s has no usable outline: %(why)s"),
    BoothRefusal.NOT_ADJOINING: _l("These booths do not adjoin along their walls, or they enclose a court."),
    BoothRefusal.NOT_ALIKE: _l("Booth %(code)s is not free or not of the same company and contract as the others."),
    BoothRefusal.NOT_TWO_PARTS: _l("This line does not cut booth %(code)s into two parts of at least 0.5 m²."),
    BoothRefusal.GONE: _l("Booth %(code)s is no longer on the plan."),
    BoothRefusal.NOTHING_TO_UNDO: _l("This step cannot be taken back: it is not known or has been taken back already."),
    BoothRefusal.OTHER_SIZE: _l(
        "%(code)s and %(other)s differ in size or price, and a contract names both. Amend the contract instead."
    ),
    BoothRefusal.NOBODY_THERE: _l("Nobody has booth %(code)s."),
    RebookRefusal.FIRST_REFUSAL: _l("%(company)s has the first refusal on booth %(code)s until %(until)s."),
    RebookRefusal.NO_COMING_EDITION: _l("There is no next edition yet. Make it first."),
    RebookRefusal.NOTHING_TO_BOOK: _l("Please choose a booth."),
    RebookRefusal.HAS_CONTRACT: _l("There is a contract for the next edition already."),
    QuoteRefusal.NO_LINES: _l("Choose a held booth or enter the square metres."),
    QuoteRefusal.DISCOUNT: _l("Your role may give a discount from 0 to %(limit)s percent."),
    QuoteRefusal.VALIDITY: _l("A quote holds from today for %(limit)s days at most."),
    QuoteRefusal.STATE: _l("This step does not fit the state of the quote. Reload the page."),
    QuoteRefusal.OVER: _l("This quote no longer holds. Write its next revision."),
    QuoteRefusal.NO_PRICE: _l("No price list holds today and no booth of this kind has a price."),
    QuoteRefusal.AREA: _l("The space must be more than 0 and at most %(limit)s m²."),
    QuoteRefusal.LOST: _l("This opportunity is lost. Take it up again before you write a quote."),
    QuoteRefusal.PRICE_CHANGED: _l(
        "The quote says %(quoted)s without tax, the booths that are held cost %(now)s. Hold what was quoted or write the next revision."
    ),
    QuoteRefusal.SPACE_CHANGED: _l("Booth %(code)s is no longer the one that was quoted. Write the next revision."),
    QuoteRefusal.NO_LIST: _l("No published price list in %(currency)s holds today."),
    QuoteRefusal.NOT_IN_LIST: _l("The price list in %(currency)s has no price for booth %(code)s."),
    QuoteRefusal.NO_RATE: _l("Note the exchange rate of %(currency)s under money terms first; figures need it."),
    ContractRefusal.NO_BOOTHS: _l("A contract needs at least one booth that is held for this company."),
    ContractRefusal.SOLD_TWICE: _l("Somebody else has just taken %(code)s. Nothing was stored."),
    ContractRefusal.WRONG_STATE: _l("This step does not fit the state of the contract. Reload the page."),
    ContractRefusal.NEEDS_SIGNER: _l("Please enter who signed."),
    ContractRefusal.SIGNED_IN_FUTURE: _l("The day of signing cannot be in the future."),
    ContractRefusal.NEEDS_CANCEL_REASON: _l("Please enter why the contract is cancelled."),
    ContractRefusal.STALE: _l("Somebody else has changed this contract since you opened it. Reload the page and look again."),
    ContractRefusal.NOTHING_CHANGED: _l("Nothing would change."),
    ContractRefusal.NEEDS_A_BOOTH: _l("A contract keeps at least one booth. Cancel it instead."),
    ContractRefusal.NOT_ITS_BOOTH: _l("One of these booths is not under this contract."),
    ContractRefusal.BELOW_ZERO: _l("The price would fall below zero."),
    ContractRefusal.NEEDS_NAME: _l("Please enter your name."),
    ContractRefusal.ALREADY_ACCEPTED: _l("This version is accepted already or no longer the current one."),
    ContractRefusal.PRICE_OLD: _l("The prices have changed since this draft. Look at old and new price on its page and decide."),
    ContractRefusal.PRICE_NOT_SHOWN: _l("The prices have just changed again. Reload the page and look at them."),
    ContractRefusal.PRICE_AS_IS: _l("The prices are those of today already."),
    ContractRefusal.HAS_EXTRAS: _l("Extras stand on this draft. Cancel them before you change its currency."),
    ContractRefusal.NEEDS_REASON: _l("Please enter a reason."),
    ContractRefusal.FILE_KIND: _l("Please choose a PDF, JPEG or PNG file."),
    ContractRefusal.FILE_SIZE: _l("The file is empty or larger than 20 MB."),
    TextRefusal.UNKNOWN_PLACEHOLDER: _l("There is no placeholder “%(word)s”."),
    TextRefusal.UNPAIRED_BRACE: _l("A curly bracket stands alone. Placeholders look like {number}."),
    TextRefusal.TOO_LONG: _l("The text is longer than %(word)s characters."),
    TextRefusal.EMPTY: _l("The text is empty."),
    TextRefusal.IN_USE: _l("Contracts were made with this text. Write a new version instead."),
}
# Refusals of what was typed; all others are conflicts with the state of things.
INPUT = {
    MoveRefusal.UNKNOWN_STAGE,
    MoveRefusal.NEEDS_REASON,
    BoothRefusal.HOLD_TOO_LONG,
    BoothRefusal.HOLD_IN_PAST,
    BoothRefusal.NO_BOOTH,
    RebookRefusal.NOTHING_TO_BOOK,
    BoothRefusal.CODE_TAKEN,
    BoothRefusal.CODE_UNREADABLE,
    BoothRefusal.OVERLAPS,
    BoothRefusal.OUTSIDE_HALL,
    BoothRefusal.TOO_MANY,
    BoothRefusal.NO_OUTLINE,
    BoothRefusal.NOT_ADJOINING,
    BoothRefusal.NOT_TWO_PARTS,
    QuoteRefusal.NO_LINES,
    QuoteRefusal.DISCOUNT,
    QuoteRefusal.VALIDITY,
    QuoteRefusal.NO_PRICE,
    QuoteRefusal.AREA,
    ContractRefusal.NO_BOOTHS,
    ContractRefusal.NEEDS_SIGNER,
    ContractRefusal.SIGNED_IN_FUTURE,
    ContractRefusal.NEEDS_CANCEL_REASON,
    ContractRefusal.NOTHING_CHANGED,
    ContractRefusal.NEEDS_A_BOOTH,
    ContractRefusal.BELOW_ZERO,
    ContractRefusal.NEEDS_NAME,
    ContractRefusal.NEEDS_REASON,
    ContractRefusal.FILE_KIND,
    ContractRefusal.FILE_SIZE,
    TextRefusal.UNKNOWN_PLACEHOLDER,
    TextRefusal.UNPAIRED_BRACE,
    TextRefusal.TOO_LONG,
    TextRefusal.EMPTY,
}


def words(refused: RuleRefused) -> str:
    """The refusal as a sentence."""
    known = ("word", "code", "other", "why", "width", "depth", "limit", "company", "until", "currency", "quoted", "now")
    facts = {**dict.fromkeys(known, ""), **refused.facts}
    return str(REFUSALS[refused.reason]) % facts


def status_of(refused: RuleRefused) -> int:
    return 422 if refused.reason in INPUT else 409


@contextmanager
def answering() -> Iterator[None]:
    """Answer the refusals of a use case, and a stale version, as pages."""
    try:
        yield
    except RuleRefused as refused:
        raise Refused(words(refused), status_of(refused), refused.reason.value) from None
    except StaleDataError:
        raise Refused(
            _("This was changed by somebody else at the same moment. Reload the page and look again."), 409, "conflict"
        ) from None
