"""The hospital's own system: asked patient by patient, with the book in front of it, and the day it does not answer."""
