"""`kiosk run`: the visit joined with screen, courier, reservations, printer and card reader.

assembly.py             all parts joined; their start and end     loop.py              inbox -> step -> perform -> show
courier_events.py       the courier's messages as events          worker.py            one thread a device
reservations_worker.py  look up, register                         printer_worker.py    print
surroundings.py         opening hours, hints for staff            staff_door.py        the technician's corner
headless.py             screens as JSON lines
board.py                what is wrong, for the start screen       run_status.py        ... and for `kiosk status`
tally.py                counts of visits                          delivery_watch.py    is the courier well?
import_watch.py         the import folder's thread                reservations_guard.py  damage, backup, size
"""
