"""The facts of `kiosk status` → lines for people: what is wrong, or that all is well, then the figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from kiosk.appointments import retention

Facts = Mapping[str, Any]


def as_text(facts: Facts) -> str:
    """For people: what is wrong, or that all is well, then the figures."""
    delivery = facts.get("delivery") or {}
    printer = facts["printer"]
    lines = [f"NG  {sentence}" for sentence in facts["wrong"]] or ["OK  nothing is wrong"]
    if not facts["reception"]["alive"]:  # stopped on purpose: not wrong, but a dark screen to patients
        lines.append("    NOTE the reception is not running: systemctl start kiosk")
    lines += retention.lines(facts["retention"], ZoneInfo(facts["zone"]))
    lines.append(f"    courier alive: {facts['courier']['alive']}")
    lines.append(f"    reception alive: {facts['reception']['alive']}")
    lines += [f"    {role}: {share['state'] or 'not tried yet'}" for role, share in facts["shares"].items()]
    oldest = delivery.get("oldest_undelivered_s")
    waiting = "-" if oldest is None else f"{oldest} s"
    undelivered = "UNKNOWN" if facts.get("delivery_hidden") else delivery.get("undelivered", 0)
    lines.append(f"    undelivered: {undelivered}{_as_far_as_known(facts)}, oldest: {waiting}")
    lines.append(f"    files of other kinds, left alone: {facts.get('other_files', 0)}")
    subsidies = delivery.get("subsidies", {})
    lines.append(f"    subsidies: {', '.join(f'{name} {number}' for name, number in subsidies.items()) or 'none seen'}")
    lines.append(f"    printer: {printer['state']}{', paper near end' if printer['paper_near_end'] else ''}")
    lines.append(f"    alarm command: {'set' if facts['alarm_command']['set'] else 'none'}")
    lines += machine_lines(facts["machine"])
    return "\n".join(lines)


def machine_lines(machine: Facts) -> list[str]:
    """Only what is known: a plain PC has no version of an image and no slot."""
    lines = [f"    {name}: {machine[name]}" for name in ("version", "slot") if name in machine]
    if "disk_size_bytes" in machine:
        free, size = machine["disk_free_bytes"] / 1e9, machine["disk_size_bytes"] / 1e9
        lines.append(f"    disk: {free:.1f} GB free of {size:.1f} GB")
    if "celsius" in machine:
        name, celsius = max(machine["celsius"].items(), key=lambda each: float(each[1]))
        lines.append(f"    temperature: {celsius} °C ({name})")
    if "clock_synchronised" in machine:
        lines.append(f"    clock: {'synchronised' if machine['clock_synchronised'] else 'NOT synchronised'}")
    return lines


def _as_far_as_known(facts: Facts) -> str:
    """Only a courier that sees its shares knows what waits in the terminal's folder."""
    if facts.get("delivery_hidden"):
        return " (the courier does not say, and its journal is not this user's to read: sudo kiosk status)"
    if not facts["courier"]["alive"]:
        return " known; UNKNOWN what waits in the terminal's folder, because the courier is not running"
    if any(share["state"] != "ok" for share in facts["shares"].values()):
        return " known; UNKNOWN what waits in the terminal's folder, because a share does not answer"
    return ""
