"""Sentences by code and language: all Japanese ones, and problems in English. Decides nothing."""
