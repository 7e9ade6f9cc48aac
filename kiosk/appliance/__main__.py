"""`python -m kiosk.appliance VERB …`: the appliance's programs. Exit codes: 0 well, 1 wrong, 2 usage.

Owns the verbs. Every part is imported when its verb is run: the page program needs Kivy, the programs of root must not
load it, and a part that cannot be loaded must not take the others with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

USAGE = 2

# Each main takes what follows its verb and returns an exit code.
Main = Callable[[Sequence[str]], int]


def _apply(arguments: Sequence[str]) -> int:
    from kiosk.appliance.site import apply

    return apply.main(arguments)


def _start(arguments: Sequence[str]) -> int:
    from kiosk.appliance.machine import screen_owner
    from kiosk.appliance.site import apply

    try:
        return apply.main(arguments)
    finally:
        # Whatever became of the settings: somebody stands in front of the screen.
        screen_owner.at_start()


def _staff(arguments: Sequence[str]) -> int:
    from kiosk.appliance.root import server

    return server.main(arguments)


def _provision(arguments: Sequence[str]) -> int:
    from kiosk.appliance.site import provision

    return provision.main(arguments)


def _check(arguments: Sequence[str]) -> int:
    from kiosk.appliance.machine import check_run

    return check_run.main(arguments)


def _page(arguments: Sequence[str]) -> int:
    from kiosk.appliance.technician import program

    return program.main(arguments)


def _update(arguments: Sequence[str]) -> int:
    from kiosk.appliance.update import update

    return update.main(arguments)


def _health(arguments: Sequence[str]) -> int:
    from kiosk.appliance.update import health

    return health.main(arguments)


def _chip(arguments: Sequence[str]) -> int:
    from kiosk.appliance.machine import tpm

    return tpm.main(arguments)


VERBS: dict[str, tuple[str, Main]] = {
    "apply": ("make everything in /run from the site's site.toml", _apply),
    "start": ("at boot: apply, then decide what the screen shows", _start),
    "staff": ("the root helper behind the technician's page", _staff),
    "provision": ("DEVICE: take the site that lies on a USB stick", _provision),
    "check": ("run `kiosk check` as kiosk-check.service asks for it", _check),
    "page": ("the appliance's pages on the screen", _page),
    "update": ("FILE: install a signed bundle", _update),
    "chip": ("before /var: what power cuts did to the TPM", _chip),
    "health": ("mark this slot good, or fall back", _health),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Unknown verbs are told with the known ones."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in VERBS:
        lines = [f"  {verb:10} {what}" for verb, (what, _) in VERBS.items()]
        sys.stderr.write("usage: python -m kiosk.appliance VERB …\n" + "\n".join(lines) + "\n")
        return USAGE
    _, run = VERBS[arguments[0]]
    return run(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
