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


def _main_of(verb: str) -> Callable[[Sequence[str]], int]:
    """The main function of one of VERBS: it gets what follows the verb and returns an exit code."""
    main: Callable[[Sequence[str]], int]
    match verb:
        case "apply":
            from kiosk.appliance.site.apply import main
        case "staff":
            from kiosk.appliance.root.server import main
        case "provision":
            from kiosk.appliance.site.provision import main
        case "check":
            from kiosk.appliance.machine.check_run import main
        case "page":
            from kiosk.appliance.technician.program import main
        case "update":
            from kiosk.appliance.update.update import main
        case "chip":
            from kiosk.appliance.machine.tpm import main
        case "health":
            from kiosk.appliance.update.health import main
        case _:
            return _start
    return main


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
    return _main_of(arguments[0])(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
