"""Which font has which character, and where a line may be broken, for paper and glass."""
