"""Who works at the desk: accounts, roles, sessions and the audit chain. Pages ask `gate.Gate` and nothing else.

Knows nothing of HTTP and nothing of patients: of a visit it keeps a number and a keyed hash.
"""
