"""Text in fonts, lines and millimetres, with its readings: which font has which letter, where a line may be broken."""
