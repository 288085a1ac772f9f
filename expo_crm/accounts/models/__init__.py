from expo_crm.accounts.models.user import OneTimeLink, SignInAttempt, User, UserRole, UserSession

__all__ = ["OneTimeLink", "SignInAttempt", "User", "UserRole", "UserSession"]
