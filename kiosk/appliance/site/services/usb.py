"""[[usb]] and [printer] url → udev rules that mark what may be used. udev(7).

The kernel lets no USB device in by itself (usbcore.authorized_default=0). 59-kiosk-usb.rules of the image marks hubs
and sticks, the file of here the site's devices, and 61-kiosk-usb.rules lets in what is marked and nothing else. A
device can lie about its numbers: this keeps out a keyboard that somebody plugs in, not a tool built for this hospital.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.printer.address import UsbAddress, parse_url
from kiosk.config import Config, UsbDevice

# Without a site (a new machine, a broken /var) nobody can name the touch panel, and the page needs it. There is nothing
# to protect yet, and what a device could type reaches no shell; devices that call themselves keyboards stay out.
_TOUCH_PANELS = (
    (
        'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ENV{ID_USB_INTERFACES}=="*:030000:*", '
        'ENV{ID_USB_INTERFACES}!="*:0301??:*", ENV{KIOSK_USB}="allowed"'
    ),
)


def usb_rules(config: Config | None) -> str:
    """Rules for the devices of the site, in the order of the file; without a site for touch panels of any make."""
    lines = ["# Made from site.toml."]
    if config is None:
        lines += _TOUCH_PANELS
    for device in _devices(config) if config else ():
        lines += _rules(device)
    return "\n".join(lines) + "\n"


def _devices(config: Config) -> Iterator[UsbDevice]:
    yield from config.usb
    printer = parse_url(config.printer.url)
    if isinstance(printer, UsbAddress):
        number = f"{printer.vendor:04x}:{printer.product:04x}"
        # A printer that the list ties to a port or a serial number is authorised nowhere else.
        if number not in {device.id for device in config.usb}:
            yield UsbDevice(what="printer", id=number)


def _rules(device: UsbDevice) -> Iterator[str]:
    vendor, product = device.id.split(":")
    port = f', KERNEL=="{device.port}"' if device.port else ""
    serial = f', ATTR{{serial}}=="{device.serial}"' if device.serial else ""
    # The rules of every kiosk do not recognise a printer of a vendor-specific class.
    group = ', GROUP="lp", MODE="0660"' if device.what == "printer" else ""
    yield (
        f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}"'
        f'{port}{serial}, ENV{{KIOSK_USB}}="allowed"{group}'
    )
    link = {"reader": "kiosk-card-reader", "printer": "kiosk-serial-printer"}.get(device.what)
    if link:
        port, serial = port.replace("KERNEL", "KERNELS"), serial.replace("ATTR", "ATTRS")
        yield (
            f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"{port}{serial}, '
            f'SYMLINK+="{link}", OPTIONS+="link_priority=100"'
        )
