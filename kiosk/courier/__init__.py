"""The courier: each result file, byte for byte and exactly once, to where the receipt computer expects it.

watch.py, sightings.py  which files are there and complete     reading.py    what they say
ledger.py               durable states                         deliver.py    one file, step by step
parcels.py, route.py    queue and threads of one route         sweep.py      unfinished files left behind
ownership.py, keeper.py one kiosk drains a source              kiosk_id.py   which kiosk we are
baselines.py            visits awaiting a listing              held.py        has a person been here
admission.py            whether a file is known               ends.py       the two ends of a route
listeners.py            pairing, rows, messages                service.py    the process
new_ledger.py           a broken ledger put aside              refusals.py   which ends refuse us
precedence.py           subsidy answers first                  notices.py    events, alarms, faults
health.py               which shares answer                    assembly.py   from site.toml to a process
overview.py             all deliveries together, read-only     lookout.py    who must be told
"""
