"""Seeds: the patients of the suite in the systems that this program knows."""
