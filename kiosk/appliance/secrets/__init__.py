"""The technician's PIN, and passwords sealed to this machine.

Reading order:
- `pin`: what is wrong with a new one, the session's key; its hash and the tries are in `kiosk.process`
- `sealed`: systemd-creds; a secret of the site that opens on this machine only
"""
