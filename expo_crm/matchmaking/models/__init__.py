from expo_crm.matchmaking.models.meeting import Meeting
from expo_crm.matchmaking.models.supply import Demand, Offer

__all__ = ["Demand", "Meeting", "Offer"]
