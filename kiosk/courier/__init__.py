"""The courier: each result file, byte for byte and exactly once, to where the receipt computer expects it.

The way of a file: results/watch.py sees it whole -> listeners.py enters it into the ledger and tells the reception ->
queue.py -> route.py, deliver.py -> done.

assembly.py    from site.toml to a running courier      courier.py     threads and life, watching itself
route.py       the three threads of one route           deliver.py     one file, step by step
sweep.py       what is left behind
ledger.py      durable states                           listeners.py   is it known; rows, messages, pairing, precedence
queue.py       which file is next                       ends.py        the shares of a route; which answer
ownership.py   which kiosk we are; one drains a source  line.py        the line to the reception
alarms.py      events, alarms, faults                   summary.py     all deliveries together, read-only
"""
