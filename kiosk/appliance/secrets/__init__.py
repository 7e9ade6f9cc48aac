"""The technician's PIN, and passwords sealed to this machine.

Reading order:
- `pin`: the record (a hash), the attempts with their lock-out, the session's key
- `weak_pins`: which new PINs are refused
- `sealed`: systemd-creds; a secret of the site that opens on this machine only
"""
