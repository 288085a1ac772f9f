"""The only writers of this package."""
