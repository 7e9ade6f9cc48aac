"""The name by which a running reception of any version starts the child that imports an export.

While a release is replaced, a reception goes on until it is started again, and starts the child of the release that is
there by then; so this name and the child's arguments stay. The child is `appointments/import_child.py`.
"""

import sys

from kiosk.appointments.import_child import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
