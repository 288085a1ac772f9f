"""Exhibition CRM: one system for a trade show over all its editions."""

__version__ = "0.1.0"
