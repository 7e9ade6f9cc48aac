"""Text in fonts, lines and millimetres: which font has which character, readings (furigana), where a line is broken."""
