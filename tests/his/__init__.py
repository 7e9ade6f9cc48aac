"""The hospital's system behind the book: order, outcomes that are not known, custody, and what is done later."""
