from expo_crm.onsite.models.badge import Badge, SigningKey
from expo_crm.onsite.models.device import Device, Gate
from expo_crm.onsite.models.lead import Lead
from expo_crm.onsite.models.scan import Presence, Scan

__all__ = ["Badge", "Device", "Gate", "Lead", "Presence", "Scan", "SigningKey"]
