"""Tables that the hospital hands over as CSV files: reference numbers, and how such a file is read and read again."""
