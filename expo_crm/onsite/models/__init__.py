from expo_crm.onsite.models.badge import Badge, SigningKey
from expo_crm.onsite.models.device import Device, DeviceBoot, Gate
from expo_crm.onsite.models.lead import Lead
from expo_crm.onsite.models.scan import Presence, QuarantinedScan, Scan, ScanResolution
from expo_crm.onsite.models.zone import AccessWindow, Zone

__all__ = [
    "AccessWindow",
    "Badge",
    "Device",
    "DeviceBoot",
    "Gate",
    "Lead",
    "Presence",
    "QuarantinedScan",
    "Scan",
    "ScanResolution",
    "SigningKey",
    "Zone",
]
