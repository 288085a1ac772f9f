from expo_crm.directory.models.activity import Activity
from expo_crm.directory.models.company import Company, CompanyName
from expo_crm.directory.models.consent import Consent
from expo_crm.directory.models.participation import Participation
from expo_crm.directory.models.person import Employment, Person

__all__ = ["Activity", "Company", "CompanyName", "Consent", "Employment", "Participation", "Person"]
