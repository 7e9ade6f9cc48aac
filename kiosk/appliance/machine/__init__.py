"""The image's machine: its paths and programs, who owns the screen, its log, TPM and USB devices.

Reading order:
- `places`: every path, below one root; how a program of the image is run, and one of them at a time
- `screen_owner`: page.json, the flag `reception`, and the switch between the page program and the reception
- `check_run`: root lets kiosk-check.service run `kiosk check` and reads its answer line by line
- `event_log`: what root's programs did; the last events of all programs
- `tpm`, `refused_usb`: before /var is opened; devices that are plugged in and not authorised
"""
