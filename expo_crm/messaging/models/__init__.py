from expo_crm.messaging.models.message import Delivery, Message

__all__ = ["Delivery", "Message"]
