"""Phase 4: badges, gates, devices, scans, leads, live board."""
