"""Invoices, payments and numbers without gaps."""
