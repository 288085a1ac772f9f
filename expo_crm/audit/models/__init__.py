from expo_crm.audit.models.entry import AuditEntry

__all__ = ["AuditEntry"]
