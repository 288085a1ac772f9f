from expo_crm.visitors.models.registration import Registration, VisitorClass

__all__ = ["Registration", "VisitorClass"]
