from expo_crm.exhibitors.models.booth import Booth, BoothOccupant
from expo_crm.exhibitors.models.contract import Contract, ContractBooth, ContractLine
from expo_crm.exhibitors.models.importing import ImportBatch, ImportChange, ImportMapping, ImportRow
from expo_crm.exhibitors.models.opportunity import Opportunity, StageChange
from expo_crm.exhibitors.models.portal import DirectoryEntry, InvitationLink, PortalMember

__all__ = [
    "Booth",
    "BoothOccupant",
    "Contract",
    "ContractBooth",
    "ContractLine",
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
