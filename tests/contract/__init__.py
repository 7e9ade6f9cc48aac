"""The contract suite: what every system behind `drivers.reservations` keeps, asked of the real thing.

For whoever writes an adapter: `README.md` says how it is run and what the table at its end means. A behaviour
(`behaviours/`) is a function that asks one promise of a `Subject`; it uses patients of its own, so behaviours need no
order and no clean system. Which are asked follows from the adapter's `Ability` and from what a seed can do at the
system's own side (`Peer`).
"""

import pytest

# Behaviours are no files of tests, but assert as they do.
pytest.register_assert_rewrite("tests.contract.behaviours")
