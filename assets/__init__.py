"""Fonts and texts, read as package data; no code."""
