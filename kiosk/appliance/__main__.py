"""`python -m kiosk.appliance VERB …`: the appliance's programs. Exit codes: 0 well, 1 wrong, 2 usage.

Owns the verbs. Every part is imported when its verb is run: the page program needs Kivy, the programs of root must not
load it, and a part that cannot be loaded must not take the others with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Final

USAGE: Final = 2
VERBS: Final = {
    "apply": "make everything in /run from the site's site.toml",
    "start": "at boot: apply, then decide what the screen shows",
    "staff": "the root helper behind the technician's page",
    "provision": "DEVICE: take the site that lies on a USB stick",
    "check": "run `kiosk check` as kiosk-check.service asks for it",
    "page": "the appliance's pages on the screen",
    "update": "FILE: install a signed bundle",
    "chip": "before /var: what power cuts did to the TPM",
    "health": "mark this slot good, or fall back",
}


def main_of(verb: str) -> Callable[[Sequence[str]], int]:
    """The main function of one of VERBS: it gets what follows the verb and returns an exit code."""
    match verb:
        case "apply":
            from kiosk.appliance.site import apply

            return apply.main
        case "start":
            return _start
        case "staff":
            from kiosk.appliance.root import server

            return server.main
        case "provision":
            from kiosk.appliance.site import provision

            return provision.main
        case "check":
            from kiosk.appliance.machine import check_run

            return check_run.main
        case "page":
            from kiosk.appliance.technician import program

            return program.main
        case "update":
            from kiosk.appliance.update import update

            return update.main
        case "chip":
            from kiosk.appliance.machine import tpm

            return tpm.main
        case "health":
            from kiosk.appliance.update import health

            return health.main
        case _:
            raise KeyError(verb)


def _start(arguments: Sequence[str]) -> int:
    from kiosk.appliance.machine import screen_owner
    from kiosk.appliance.machine.places import Places
    from kiosk.appliance.site import apply

    try:
        return apply.main(arguments)
    finally:
        # Whatever became of the settings: somebody stands in front of the screen.
        screen_owner.show_usual(Places())


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. An unknown verb is answered with the known ones."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in VERBS:
        lines = [f"  {verb:10} {what}" for verb, what in VERBS.items()]
        sys.stderr.write("usage: python -m kiosk.appliance VERB …\n" + "\n".join(lines) + "\n")
        return USAGE
    return main_of(arguments[0])(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
