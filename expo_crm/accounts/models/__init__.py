from expo_crm.accounts.models.user import OneTimeLink, SignInAttempt, User, UserRole, UserSession
from expo_crm.accounts.models.view import SavedView

__all__ = ["OneTimeLink", "SavedView", "SignInAttempt", "User", "UserRole", "UserSession"]
