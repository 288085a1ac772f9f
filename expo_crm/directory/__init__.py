"""Companies, people, the participation ledger, activities and consent."""
