"""The book in PostgreSQL, asked on a real server."""
