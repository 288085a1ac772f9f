"""Phase 5: surveys, cases, retention, next edition."""
