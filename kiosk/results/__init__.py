"""The confirmation terminal's documents: their names, what they say, and the watch over the folder they appear in."""
