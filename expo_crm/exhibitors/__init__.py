"""Phase 1: recruitment pipeline, booths, contracts, exhibitor portal."""
