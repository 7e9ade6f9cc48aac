"""What the screen may ask of root: one socket, a closed list of verbs.

The page program runs as the user of the screen, which patients touch; asking here is all it can do. A request is one
JSON object on a line; the answer is any number of {"line": …} and {"progress": …}, then one object with "ok".

Reading order:
- `server`: the socket; who may connect, how long and how much
- `verbs`: the list; which verb needs the PIN, which runs alone, and the log of every use
- `description`: version and network as lines

The other end is `technician.program`.
"""
