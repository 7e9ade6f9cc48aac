"""The confirmation terminal's documents: their names, what they say, and the watch over the folder they appear in.

names.py      which file is of which kind          sightings.py    what is known from one listing to the next
watch.py      what is there, what is complete      documents.py    bytes to a tree; hostile XML
eligibility   what a result decides                records.py      whom it is about, by which insurance
subsidies.py  certificates with every leaf         pmh_names.py    what the names of their elements mean
changes.py    is anything new about a patient      spelling.py     do two texts say the same
"""
