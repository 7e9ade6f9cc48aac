"""ORCA (日医標準レセプトソフト), by its API v2: appointments, receptions and patients, as a system of record."""
