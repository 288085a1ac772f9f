"""Tables in and out: CSV and XLSX read by content within limits, columns suggested, exports that cannot attack a reader."""
