"""Which font has which character, for paper and glass."""
