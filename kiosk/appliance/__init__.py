"""The kiosk as an appliance: the small programs of its image, run as `python -m kiosk.appliance VERB`.

Owns what a hospital's machine does beside receptions: taking a site from a USB stick, the technician's page, updates,
what is on the screen when there is no reception. Must never be needed by `kiosk run`, `kiosk courier` or `kiosk check`:
the same reception runs on a plain PC without any of this.

Reading order, each package with its own: `site` (how a stick becomes the site), `update` (how an update becomes good),
`root` (what the screen may ask of root), `technician` (the pages that ask), `secrets`, `machine`. `__main__` has the
verbs, `words` the way to a sentence.
"""
