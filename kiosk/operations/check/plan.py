"""What is looked at for a site, in which order.

Owns the list of jobs. Must never look at anything itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from drivers.printer import open_printer
from drivers.share import LogonGate, Share, open_share
from kiosk.config import Config, ConfigError, password
from kiosk.operations.check import devices, files, machine, probe, shares, systems
from kiosk.operations.check.finding import Finding, Findings, ng, skip
from kiosk.operations.check.schedule import LIMIT_S, Job
from kiosk.operations.check.shares import Open, Role
from kiosk.reception import run_status

PRINT_LIMIT_S = 150.0  # a whole slip at 9600 baud, see drivers.printer.session


@dataclass(frozen=True)
class Options:
    """How to look. `ask`: asks a person to do something; None: nobody is there. `stop`: clean up and end."""

    print_slip: bool
    ask: Callable[[str], None] | None
    stop: threading.Event
    untouched_s: float = probe.UNTOUCHED_S
    open: Open = lambda url, password, gate: open_share(url, password, gate=gate)

    @contextmanager
    def opened(self, role: Role) -> Iterator[Share]:
        """The share, dropped at the end; nothing is connected yet."""
        share = self.open(role.url, role.password, role.gate)
        try:
            yield share
        finally:
            share.drop()


def jobs(config: Config, options: Options) -> list[Job]:
    """Everything that can be looked at, in the order in which it is reported."""
    folder, numbers = config.site.data_dir, config.reference_numbers.map
    return [
        _one("site_toml", lambda: files.site_toml(config.file)),
        _one("secrets", lambda: files.secrets(config)),
        _one("data_dir", lambda: files.data_dir(folder)),
        _one("disk", lambda: machine.disk(folder)),
        *_share_jobs(config, options),
        _printer_job(config, options),
        *_card_jobs(config, options),
        Job(files.APPOINTMENT_CODES, lambda: files.appointments(config)),
        _one("appointments_share", lambda: _exports(config, options)),
        *systems.jobs(config),
        _one("reference_numbers", lambda: files.reference_numbers(numbers)),
        _one("screen", lambda: machine.screen(config.screen, machine.display_sizes()))
        if config.printer
        else _not_set("screen"),
        _one("letters", lambda: machine.letters(config.screen)) if config.printer else _not_set("letters"),
        _one("reach", lambda: machine.reach(config.screen)) if config.printer else _not_set("reach"),
        _one("alarm", lambda: files.alarm(config.alarm.command)),
        Job(("courier_running", "reception_running"), lambda: files.running(config)),
        *_desk_jobs(config, options),
        *machine_jobs(),
    ]


def _printer_job(config: Config, options: Options) -> Job:
    settings = config.printer
    if settings is None:
        return Job(devices.PRINTER_CODES, lambda: (skip(code, "message.not_set") for code in devices.PRINTER_CODES))
    lock = run_status.printer_lock(config.site.data_dir)
    printer = open_printer(settings.url, status=settings.status, lock=lock)
    return Job(
        devices.PRINTER_CODES,
        lambda: devices.printer(printer, settings, config.site, print_slip=options.print_slip),
        limit_s=PRINT_LIMIT_S if options.print_slip else LIMIT_S,
    )


def _card_jobs(config: Config, options: Options) -> Iterator[Job]:
    settings, ask = config.card_reader, options.ask
    for codes in devices.card_readers(settings):
        look = partial(devices.card_reader, settings, config.site.data_dir, ask, codes)
        # Alone: a person is asked, and must not be before the lines above have been read.
        yield Job(codes, look, alone=ask is not None)


def _desk_jobs(config: Config, options: Options) -> Iterator[Job]:
    """None, where there is no desk."""
    settings = config.desk
    if settings is None:
        return
    from kiosk.operations.check import desk  # not before: it reads certificates, whose library takes its time to load

    now, gate = datetime.now(config.site.zone), LogonGate()
    yield _one("desk_certificate", lambda: desk.certificate(config, now))
    yield _one("desk_printer", lambda: desk.printer(settings))
    for key in desk.SHARES:
        url = getattr(settings, key)
        yield _one(f"desk_{key}", partial(desk.share, config, key, url, options.open, gate))
    yield _one("desk_patients", lambda: desk.patients(settings.patients))
    yield _one("desk_reservations", lambda: desk.reservations(config, now))
    yield _one("desk_courier", lambda: desk.courier(config))
    yield _one("desk_running", lambda: desk.running(config.desk_run_dir))


def _exports(config: Config, options: Options) -> Finding:
    code, settings = "appointments_share", config.reservations
    if not settings.share:
        return skip(code, "message.not_set")
    try:
        secret = password(config, "reservations", settings.share, settings.password_file)
    except ConfigError:
        return ng(code, "message.password_unreadable", "do.put_password_beside")
    # A gate of its own: another account than the receipt computer's.
    role = Role(code, "[reservations] share", settings.share, secret.reveal() if secret else None, LogonGate())
    with options.opened(role) as share:
        return shares.exports(role, share)


def machine_jobs() -> list[Job]:
    """What needs no site.toml."""
    return [_one("fonts", machine.fonts), _one("clock_sync", machine.clock_sync)]


def _one(code: str, look: Callable[[], Finding]) -> Job:
    return Job((code,), lambda: (each() for each in (look,)))


def _share_jobs(config: Config, options: Options) -> Iterator[Job]:
    terminal, receipt = config.terminal, config.receipt_computer
    # One gate for all: a wrong password is tried once, however many shares use it.
    gate = LogonGate()
    sources: list[Role] = []
    for code, key in (("terminal", "results"), ("terminal_subsidies", "subsidies")):
        url = getattr(terminal, key)
        if url is None:
            yield _not_set(f"{code}_share")
            continue
        secret = terminal.password.reveal() if terminal.password else None
        sources.append(Role(code, f"[terminal] {key}", url, secret, gate))
        delivers = receipt is not None and not (key == "subsidies" and config.only_reads_subsidies)
        yield _source_job(sources[-1], terminal.poll_interval_s, options, delivers=delivers)
    for code, key in (("receipt", "results"), ("receipt_subsidies", "subsidies")):
        url = getattr(receipt, key) if receipt else None
        if receipt is None or url is None:
            yield _not_set(f"{code}_share")
            continue
        secret = receipt.password.reveal() if receipt.password else None
        role = Role(code, f"[receipt_computer] {key}", url, secret, gate)
        yield _target_job(role, receipt.staging, tuple(sources), options)


def _not_set(code: str) -> Job:
    return _one(code, lambda: skip(code, "message.not_set"))


def _source_job(role: Role, poll_s: float, options: Options, *, delivers: bool) -> Job:
    """`delivers`: files are taken from there; else a desk only reads them."""
    may_delete = (_may_delete if role.is_smb else lambda _: None) if delivers else None

    def work() -> Findings:
        with options.opened(role) as share:
            yield from shares.source(role, share, may_delete, poll_s)

    return Job(role.codes(*shares.OF_SOURCE), work)


def _target_job(role: Role, staging: str, sources: tuple[Role, ...], options: Options) -> Job:
    codes = role.codes("write", "untouched", "same_folder")

    def work() -> Findings:
        with ExitStack() as opened:
            share = opened.enter_context(options.opened(role))
            others = tuple((each.setting, opened.enter_context(options.opened(each))) for each in sources)
            session = yield from shares.reach(role, share)
            if session is None:
                yield from shares.unreached(codes)
                return
            ends = probe.Ends(role.url, share, share.at(staging) if staging else share, others, role.gate)
            yield shares.listing(role, share)
            written = list(probe.write(f"{role.code}_write", f"{role.code}_same_folder", ends))
            yield written[0]
            if written[0].result == "OK":
                yield probe.untouched(f"{role.code}_untouched", ends, options.untouched_s, options.stop)
            else:
                yield skip(f"{role.code}_untouched", "message.nothing_written")
            yield written[1]
            yield shares.clock(role, session)

    return Job(codes, work, tidies=True)


def _may_delete(share: Share) -> bool | None:
    # Late: a site of local folders never loads the SMB library.
    from drivers.share.smb.share import may_delete

    return may_delete(share)
