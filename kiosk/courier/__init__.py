"""The courier: each result file, byte for byte and exactly once, to where the receipt computer expects it.

watch.py, sightings.py  which files are there and complete     reading.py    what they say
ledger.py               durable states                         deliver.py    one file, step by step
parcels.py, route.py    queue and threads of one route         sweep.py      unfinished files left behind
listeners.py            pairing, rows, messages                service.py    the process
precedence.py           subsidy answers first                  notices.py    events, alarms, faults
health.py               which shares answer                    assembly.py   from site.toml to a process
overview.py             all deliveries together, read-only     lookout.py    who must be told
"""
