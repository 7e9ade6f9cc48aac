"""The reservations in an SQLite file of the data folder, with what is kept beside it."""
