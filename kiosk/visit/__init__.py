"""The patient's visit: what the kiosk does next. Pure; no I/O, no threads, no clock of its own. Read `step` first.

step.py      how a visit works, the table and step()
state.py     the shapes of the state            events.py    what can happen
commands.py  what is asked of the world         identify.py  whose result is it?
receive.py   look-up, arrival, slip             moves.py     moves that several stages share
idle.py      the idle time-out, with a warning before
"""

from kiosk.visit.begin import switched_on
from kiosk.visit.rules import Rules
from kiosk.visit.state import Kiosk
from kiosk.visit.step import next_deadline, step

__all__ = ["Kiosk", "Rules", "next_deadline", "step", "switched_on"]
