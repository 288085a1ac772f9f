from expo_crm.exhibitors.models.booth import Booth, BoothOccupant
from expo_crm.exhibitors.models.booth_event import BoothEvent
from expo_crm.exhibitors.models.contract import Contract, ContractBooth, ContractLine
from expo_crm.exhibitors.models.contract_text import ContractText, ContractVersion
from expo_crm.exhibitors.models.importing import ImportBatch, ImportChange, ImportMapping, ImportRow
from expo_crm.exhibitors.models.opportunity import Opportunity, StageChange
from expo_crm.exhibitors.models.portal import DirectoryEntry, InvitationLink, PortalMember

__all__ = [
    "Booth",
    "BoothEvent",
    "BoothOccupant",
    "Contract",
    "ContractBooth",
    "ContractLine",
    "ContractText",
    "ContractVersion",
    "DirectoryEntry",
    "ImportBatch",
    "ImportChange",
    "ImportMapping",
    "ImportRow",
    "InvitationLink",
    "Opportunity",
    "PortalMember",
    "StageChange",
]
