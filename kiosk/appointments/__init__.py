"""How appointments come in: the import folder, exports fetched from a share, the table of reference numbers, retention."""
