from expo_crm.shows.models.category import Category
from expo_crm.shows.models.edition import Edition, Hall, OpeningDay, Show

__all__ = ["Category", "Edition", "Hall", "OpeningDay", "Show"]
