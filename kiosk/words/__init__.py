"""Every sentence, by code and language. Decides nothing."""
