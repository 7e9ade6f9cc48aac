"""The first chief of a desk, and a chief who forgot the password: by the site's stick, or a file beside site.toml.

`desk-chief.secret` holds a password for the account `chief`, who must choose another at the first log-in. The same file
is taken once, so it may stay; another password in it is a reset. Must never show it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from kiosk.config import Config, passwords
from kiosk.config.installed import DESK_CHIEF
from kiosk.desk.people.people import People
from kiosk.process.stderr import complain
from kiosk.words.problems import word


def take(people: People, config: Config, environ: Mapping[str, str] = os.environ) -> None:
    """At the desk's start. What is wrong with the file is reported on standard error; the desk starts all the same.

    Raises PeopleUnusable.
    """
    try:
        secret = passwords.optional("desk", DESK_CHIEF, config.file.parent, environ.get("CREDENTIALS_DIRECTORY"))
    except passwords.Unusable as unusable:
        complain(word(unusable.problem, "config", "en"))
        return
    fault = people.take_chiefs_password(secret.reveal()) if secret else None
    if fault:
        complain(f"{DESK_CHIEF}: {word(fault, 'people', 'en')}")
