"""The configuration of the system's services, as texts made from site.toml.

Owns pure functions Config → text, one module for each service; `apply` writes the texts. Config None: there is no site
that can be used, and the text is the safe one. Must never let a text of site.toml into a file that the check of its key
did not make for it: a name of a host, say, is never written, only addresses.
"""
