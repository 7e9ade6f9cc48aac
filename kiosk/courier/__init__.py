"""The courier: each result file, byte for byte and exactly once, to where the receipt computer expects it.

The way of a file: results/watch.py sees it whole -> listeners.py enters it into the ledger and tells the reception ->
queue.py -> route.py, deliver.py -> done.

courier.py     threads and life                         assembly.py    from site.toml to a running courier
route.py       the threads of one route                 deliver.py     one file, step by step
ledger.py      durable states                           new_ledger.py  a broken ledger put aside
admission.py   is it known, may it go, is it held       listeners.py   rows, messages, pairing, precedence
queue.py       which file is next                       sweep.py       unfinished files left behind
ends.py        the two ends of a route, refusals        share_health.py which shares answer
ownership.py   one kiosk drains a source                keeper.py      the thread for that
kiosk_id.py    which kiosk we are                       baselines.py   visits awaiting a listing
line.py        the line to the reception                alarms.py      events, alarms, faults
summary.py     all deliveries together, read-only       self_watch.py  what is wrong, and who must know
"""
