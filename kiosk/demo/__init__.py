"""`deploy/demo`: the very reception of a hospital among simulated parts that a visitor, or nobody, can play with.

Owns the temporary hospital, the panel's knobs and the person of `--auto`. Must never change what visit, courier, event
log or view do, or be imported by them.
"""
