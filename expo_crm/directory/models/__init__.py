from expo_crm.directory.models.activity import Activity
from expo_crm.directory.models.calls import CallResult, CallScript
from expo_crm.directory.models.company import Company, CompanyName
from expo_crm.directory.models.consent import Consent
from expo_crm.directory.models.custom import CustomField
from expo_crm.directory.models.duplicate import CompanyDomain, DuplicatePair, MatchKey, Merge
from expo_crm.directory.models.ownership import OwnershipLog, OwnershipRule, OwnershipSettings
from expo_crm.directory.models.participation import Participation
from expo_crm.directory.models.person import Employment, Person
from expo_crm.directory.models.quality import QualitySnapshot

__all__ = [
    "Activity",
    "CallResult",
    "CallScript",
    "Company",
    "CompanyDomain",
    "CompanyName",
    "Consent",
    "CustomField",
    "DuplicatePair",
    "Employment",
    "MatchKey",
    "Merge",
    "OwnershipLog",
    "OwnershipRule",
    "OwnershipSettings",
    "Participation",
    "Person",
    "QualitySnapshot",
]
