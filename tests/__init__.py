"""Tests of the kiosk and its drivers, and the real peers they need; imported by nothing that ships."""
