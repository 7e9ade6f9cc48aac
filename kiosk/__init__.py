"""The re-visit reception kiosk (再来受付機): what the hospital wants.

Owns the rules of the reception: which result file is whose, what is looked up, registered, printed and delivered.
Must never talk to a device by itself: devices and neighbours live in `drivers`, which never imports this package.
"""
