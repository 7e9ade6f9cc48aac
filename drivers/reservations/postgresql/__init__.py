"""One book of arrivals for all kiosks of a hospital, in PostgreSQL: server functions do the work, kiosks call them."""
