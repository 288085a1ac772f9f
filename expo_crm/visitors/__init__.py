"""Phase 2: visitor pre-registration and its review."""
