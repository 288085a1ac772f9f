from expo_crm.exhibitors.models.booth import Booth, BoothOccupant
from expo_crm.exhibitors.models.booth_event import BoothEvent
from expo_crm.exhibitors.models.contract import Contract, ContractBooth, ContractLine
from expo_crm.exhibitors.models.contract_text import ContractText, ContractVersion
from expo_crm.exhibitors.models.importing import ImportBatch, ImportChange, ImportMapping, ImportRow
from expo_crm.exhibitors.models.inventory import (
    BoothOffer,
    BoothRequest,
    BoothWish,
    DrawSlot,
    NeighbourRule,
    PavilionEntry,
    PriceList,
    PriceOverride,
    PriceRule,
    SpaceDraw,
)
from expo_crm.exhibitors.models.opportunity import Opportunity, StageChange
from expo_crm.exhibitors.models.pavilion import Pavilion
from expo_crm.exhibitors.models.portal import DirectoryEntry, InvitationLink, PortalMember
from expo_crm.exhibitors.models.rebooking import FirstRefusal

__all__ = [
    "Booth",
    "BoothEvent",
    "BoothOccupant",
    "BoothOffer",
    "BoothRequest",
    "BoothWish",
    "Contract",
    "ContractBooth",
    "ContractLine",
    "ContractText",
    "ContractVersion",
    "DirectoryEntry",
    "DrawSlot",
    "FirstRefusal",
    "ImportBatch",
    "ImportChange",
    "ImportMapping",
    "ImportRow",
    "InvitationLink",
    "NeighbourRule",
    "Opportunity",
    "Pavilion",
    "PavilionEntry",
    "PortalMember",
    "PriceList",
    "PriceOverride",
    "PriceRule",
    "SpaceDraw",
    "StageChange",
]
