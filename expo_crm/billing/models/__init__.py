from expo_crm.billing.models.invoice import Invoice, InvoiceLine, NumberSequence, Payment

__all__ = ["Invoice", "InvoiceLine", "NumberSequence", "Payment"]
