from expo_crm.onsite.models.arrival import ExhibitorArrival
from expo_crm.onsite.models.badge import Badge, BadgeSetup, OpaqueCode, SigningKey
from expo_crm.onsite.models.device import Device, DeviceBoot, Gate
from expo_crm.onsite.models.event import ConcurrentEvent, EventBooking, EventCheckin
from expo_crm.onsite.models.layout import BadgeImage, BadgeLayout, BadgeLayoutClass, KioskPrinter, PrintJob
from expo_crm.onsite.models.lead import (
    HeldLead,
    Lead,
    LeadAnswer,
    LeadConsent,
    LeadEvent,
    LeadPolicy,
    LeadQuestion,
    LeadScan,
    LeadTag,
    LeadTagging,
)
from expo_crm.onsite.models.live import CapacityAlarm, HandTally, ScanHour
from expo_crm.onsite.models.scan import Presence, QuarantinedScan, Scan, ScanResolution
from expo_crm.onsite.models.zone import AccessWindow, Zone

__all__ = [
    "AccessWindow",
    "Badge",
    "BadgeImage",
    "BadgeLayout",
    "BadgeLayoutClass",
    "BadgeSetup",
    "CapacityAlarm",
    "ConcurrentEvent",
    "Device",
    "DeviceBoot",
    "EventBooking",
    "EventCheckin",
    "ExhibitorArrival",
    "Gate",
    "HandTally",
    "HeldLead",
    "KioskPrinter",
    "Lead",
    "LeadAnswer",
    "LeadConsent",
    "LeadEvent",
    "LeadPolicy",
    "LeadQuestion",
    "LeadScan",
    "LeadTag",
    "LeadTagging",
    "OpaqueCode",
    "Presence",
    "PrintJob",
    "QuarantinedScan",
    "Scan",
    "ScanHour",
    "ScanResolution",
    "SigningKey",
    "Zone",
]
