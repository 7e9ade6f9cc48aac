"""Simulated neighbours and devices with fault knobs: product code, used by the demo and by tests."""
