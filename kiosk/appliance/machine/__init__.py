"""The image's machine: its paths, programs, event log, TPM, USB devices and who owns the screen."""
