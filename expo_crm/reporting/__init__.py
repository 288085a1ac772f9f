"""Figures across phases; read-only."""
