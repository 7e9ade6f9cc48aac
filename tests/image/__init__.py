"""The proof in a virtual machine: `deploy/image/test` boots the built image in QEMU and looks at what it does.

No part of the normal test run (the modules have no `test_` names): one machine takes a minute to start. QEMU is told to
emulate (TCG): a /dev/kvm that opens is no promise that it works.

machine.py     one PC: power, screen, fingers, keys, sticks      disk.py       copies of the image, sticks, /var
shell.py       a root shell that only the copy of the image has  glass.py      what a picture of the display shows
site.py        the hospital on this computer's side              bench.py      what all scenarios share
__main__.py    the list of scenarios, the table of results       every other   one scenario each, or a few of a kind
"""
