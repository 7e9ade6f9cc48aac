"""The slip (受付票): its words, layout, barcode and dots."""
