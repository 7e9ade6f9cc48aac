"""How appointments come in: import folder, exports fetched from a share, retention."""
