"""The patient's visit: what the kiosk does next. Pure; no I/O, no threads, no clock of its own. Read `step` first.

step.py      how a visit works, the table and step()
state.py     the shapes of the state            events.py    what can happen
commands.py  what is asked of the world         identify.py  whose result is it?
receive.py   look-up, arrival, slip             moves.py     moves that several stages share
idle.py      the idle time-out, with a warning before
offers.py    what may be chosen now
"""
