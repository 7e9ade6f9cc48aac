"""The confirmation terminal's documents: their names, what they say, and the watch over the folder they appear in.

names.py      which file is of which kind          sightings.py    what is known from one listing to the next
watch.py      what is there, what is complete      eligibility.py  what a result says; the one XML reader
"""
