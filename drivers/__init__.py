"""What the devices and neighbours of the kiosk need: shares, printers, card readers, reservations.

Owns the talking to the outside. Each driver uses the standard library and at most one device library.
Must never import `kiosk`: a driver knows nothing of patients, visits or screens.
"""
