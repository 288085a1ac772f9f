from expo_crm.exhibitors.models.agent import Agent, AgentAccount, CommissionLine, Settlement
from expo_crm.exhibitors.models.booth import Booth, BoothOccupant
from expo_crm.exhibitors.models.booth_event import BoothEvent
from expo_crm.exhibitors.models.contract import Contract, ContractBooth, ContractLine
from expo_crm.exhibitors.models.contract_text import ContractText, ContractVersion
from expo_crm.exhibitors.models.importing import ImportBatch, ImportChange, ImportMapping, ImportPart, ImportRow
from expo_crm.exhibitors.models.inventory import (
    BoothOffer,
    BoothRequest,
    BoothWish,
    DrawSlot,
    NeighbourException,
    NeighbourRule,
    PavilionEntry,
    PriceList,
    PriceOverride,
    PriceRule,
    SpaceDraw,
)
from expo_crm.exhibitors.models.opportunity import Opportunity, StageChange
from expo_crm.exhibitors.models.pavilion import Pavilion
from expo_crm.exhibitors.models.pipeline import (
    CompetitorPresence,
    CompetitorShow,
    SalesTarget,
    SalesTeam,
    SalesTeamMember,
    StageWeight,
)
from expo_crm.exhibitors.models.portal import DirectoryEntry, InvitationLink, PortalMember
from expo_crm.exhibitors.models.portal_tasks import (
    BuildApproval,
    BuildDrawing,
    BuildRemark,
    EntryChange,
    Fascia,
    PortalRules,
    PortalTaskKind,
    PortalWaiver,
    TaskReminder,
)
from expo_crm.exhibitors.models.quote import Quote, QuoteLine
from expo_crm.exhibitors.models.rebooking import FirstRefusal

__all__ = [
    "Agent",
    "AgentAccount",
    "Booth",
    "BoothEvent",
    "BoothOccupant",
    "BoothOffer",
    "BoothRequest",
    "BoothWish",
    "BuildApproval",
    "BuildDrawing",
    "BuildRemark",
    "CommissionLine",
    "CompetitorPresence",
    "CompetitorShow",
    "Contract",
    "ContractBooth",
    "ContractLine",
    "ContractText",
    "ContractVersion",
    "DirectoryEntry",
    "DrawSlot",
    "EntryChange",
    "Fascia",
    "FirstRefusal",
    "ImportBatch",
    "ImportChange",
    "ImportMapping",
    "ImportPart",
    "ImportRow",
    "InvitationLink",
    "NeighbourException",
    "NeighbourRule",
    "Opportunity",
    "Pavilion",
    "PavilionEntry",
    "PortalMember",
    "PortalRules",
    "PortalTaskKind",
    "PortalWaiver",
    "PriceList",
    "PriceOverride",
    "PriceRule",
    "Quote",
    "QuoteLine",
    "SalesTarget",
    "SalesTeam",
    "SalesTeamMember",
    "Settlement",
    "SpaceDraw",
    "StageChange",
    "StageWeight",
    "TaskReminder",
]
