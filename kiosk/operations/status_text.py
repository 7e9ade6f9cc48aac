"""The report of `kiosk status` → lines for people: what is wrong, or that all is well, then the figures. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from kiosk.appointments import retention
from kiosk.machine.state import MachineState
from kiosk.operations.report import WITHOUT_NOTICES, Delivery, DeskState, StatusReport
from kiosk.reception.run_status import HisState


def as_text(report: StatusReport) -> str:
    """For people: what is wrong, or that all is well, then the figures."""
    delivery = report.delivery or Delivery(undelivered=0)
    lines = [f"NG  {sentence}" for sentence in report.wrong or ()] or ["OK  nothing is wrong"]
    if (
        report.has("reception") and not report.reception.alive
    ):  # stopped on purpose: not wrong, but a dark screen to patients
        lines.append("    NOTE the reception is not running: systemctl start kiosk")
    if report.retention is not None:
        lines += retention.lines(report.retention, ZoneInfo(report.zone))
    if report.has("courier"):
        lines.append(f"    courier alive: {report.courier.alive}")
    if report.has("reception"):
        lines.append(f"    reception alive: {report.reception.alive}")
    if report.reception.his is not None:
        lines.append(_his(report.reception.his, ZoneInfo(report.zone)))
    if report.desk is not None:
        lines.append(f"    desk alive: {report.desk.alive}{_desk_figures(report.desk)}")
    for role, share in report.shares.items():
        listed = f" (only listed, notices are {share.notices})" if share.notices in WITHOUT_NOTICES else ""
        lines.append(f"    {role}: {share.state or 'not tried yet'}{listed}")
    if report.has("courier"):
        lines += _delivery(report, delivery)
    if report.printer is not None:
        lines.append(
            f"    printer: {report.printer.state}{', paper near end' if report.printer.paper_near_end else ''}"
        )
    lines.append(f"    alarm command: {'set' if report.alarm_command.set else 'none'}")
    lines += machine_lines(report.machine)
    return "\n".join(lines)


def _his(his: HisState, zone: ZoneInfo) -> str:
    state = {None: "not asked yet", True: "answers", False: "does NOT answer"}[his.up]
    took = f" in {his.seconds:.2f} s" if his.up and his.seconds is not None else ""
    listed = ""
    if his.day_list_at is not None:
        listed = f", day list of {datetime.fromtimestamp(his.day_list_at, zone):%m-%d %H:%M}"
    waiting = f"{his.unknown} with unknown outcome, {his.custody} in custody, {his.refused} for staff to register"
    return f"    hospital's system: {state}{took}; {waiting}{listed}"


def _desk_figures(desk: DeskState) -> str:
    if not desk.alive:
        return ""
    return f", {desk.visits or 0} visits today, {desk.open or 0} waiting for a person, {desk.missed or 0} not shown"


def _delivery(report: StatusReport, delivery: Delivery) -> list[str]:
    waiting = "-" if delivery.oldest_undelivered_s is None else f"{delivery.oldest_undelivered_s} s"
    undelivered = "UNKNOWN" if report.delivery_hidden else delivery.undelivered
    subsidies = ", ".join(f"{name} {number}" for name, number in delivery.subsidies.items())
    return [
        f"    undelivered: {undelivered}{_as_far_as_known(report)}, oldest: {waiting}",
        f"    files of other kinds, left alone: {report.other_files or 0}",
        f"    subsidies: {subsidies or 'none seen'}",
    ]


def machine_lines(machine: MachineState) -> list[str]:
    """Only what is known: a plain PC has no version of an image and no slot."""
    named = (("version", machine.version), ("slot", machine.slot))
    lines = [f"    {name}: {value}" for name, value in named if value is not None]
    if machine.disk_size_bytes is not None:
        free, size = (machine.disk_free_bytes or 0) / 1e9, machine.disk_size_bytes / 1e9
        lines.append(f"    disk: {free:.1f} GB free of {size:.1f} GB")
    if machine.celsius:
        name, celsius = max(machine.celsius.items(), key=lambda each: each[1])
        lines.append(f"    temperature: {celsius} °C ({name})")
    if machine.clock_synchronised is not None:
        lines.append(f"    clock: {'synchronised' if machine.clock_synchronised else 'NOT synchronised'}")
    return lines


def _as_far_as_known(report: StatusReport) -> str:
    """Only a courier that sees its shares knows what waits in the terminal's folder."""
    if report.delivery_hidden:
        return " (the courier does not say, and its ledger is not this user's to read: sudo kiosk status)"
    if not report.courier.alive:
        return " known; UNKNOWN what waits in the terminal's folder, because the courier is not running"
    if any(share.state != "ok" for share in report.shares.values()):
        return " known; UNKNOWN what waits in the terminal's folder, because a share does not answer"
    return ""
