"""Phase 3: supply and demand, reasons, meetings."""
