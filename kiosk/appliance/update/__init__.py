"""How a signed bundle becomes the version that runs, and how that version becomes good.

Two slots; the one that runs is never written to. An update begins a trial of the other slot; after the restart
`health` ends it: good, or back.

Reading order:
- `bundle_sources`: sticks and the hospital's server; `bundles`: signature, version and every byte of one bundle
- `update`: verify, note what works now, begin the trial, write; or back to the previous version
- `slots`: the boot loader's variables and the notes that outlast a restart
- `health`: after every start; a version on trial must show its screen and do what worked before
- `installer`: from the USB stick to a disk
"""
