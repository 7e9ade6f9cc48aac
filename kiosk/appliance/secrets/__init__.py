"""PINs and sealed passwords."""
