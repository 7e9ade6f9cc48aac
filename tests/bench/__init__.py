"""How fast is the kiosk? `python -m tests.bench`; measured by hand, never by the suite."""
