"""Exports of appointments as CSV."""
