"""A printer on USB by vendor and product, through pyusb and libusb.

Owns the claimed interface. Must never reset a device that is configured already, and must give the interface back.
"""

import contextlib
import errno
from typing import Any

import usb.core
import usb.util

from drivers.printer.address import UsbAddress
from drivers.printer.transport.wire import WireLost

PRINTER_CLASS = 7
_CHUNK_BYTES = 4096
# NotImplementedError: a libusb without kernel drivers to detach; ValueError: a descriptor that makes no sense.
_TROUBLE = (usb.core.USBError, usb.core.NoBackendError, NotImplementedError, ValueError)


class UsbWire:
    """The first interface with bulk endpoints both ways, of the printer class if there is one."""

    keeps_state = True

    def __init__(self, address: UsbAddress, backend: Any = None) -> None:
        """Find, detach from the kernel's usblp and claim, or raise WireLost. `backend` as in `usb.core.find`."""
        try:
            device = usb.core.find(idVendor=address.vendor, idProduct=address.product, backend=backend)
        except _TROUBLE:
            raise WireLost from None
        if device is None:
            raise WireLost
        self._device: Any = device
        try:
            self._interface, self._out, self._in = _endpoints(device)
            with contextlib.suppress(NotImplementedError):
                if device.is_kernel_driver_active(self._interface):
                    device.detach_kernel_driver(self._interface)
            usb.util.claim_interface(device, self._interface)
        except _TROUBLE:
            usb.util.dispose_resources(device)
            raise WireLost from None
        except WireLost:
            usb.util.dispose_resources(device)
            raise

    def send(self, data: bytes, wait_s: float) -> int:
        try:
            return int(self._out.write(data[:_CHUNK_BYTES], timeout=_milliseconds(wait_s)))
        except usb.core.USBError as trouble:
            return len(_nothing(trouble))

    def receive(self, wait_s: float) -> bytes:
        try:
            # A whole packet at least: libusb reports an overflow when a device sends more than was asked for.
            return bytes(self._in.read(self._in.wMaxPacketSize, timeout=_milliseconds(wait_s)))
        except usb.core.USBError as trouble:
            return _nothing(trouble)

    def unsent(self) -> int:
        return 0

    def close(self, *, abandon: bool) -> None:
        with contextlib.suppress(*_TROUBLE):
            usb.util.release_interface(self._device, self._interface)
        with contextlib.suppress(*_TROUBLE):
            usb.util.dispose_resources(self._device)


def _endpoints(device: Any) -> tuple[int, Any, Any]:
    """Interface number, bulk OUT, bulk IN."""
    try:
        configuration = device.get_active_configuration()
    except usb.core.USBError:
        # Only a device that has no configuration gets one: setting it again resets the printer.
        device.set_configuration()
        configuration = device.get_active_configuration()
    for interface in sorted(configuration, key=lambda one: bool(one.bInterfaceClass != PRINTER_CLASS)):
        if interface.bAlternateSetting != 0:
            continue
        bulk = [one for one in interface if usb.util.endpoint_type(one.bmAttributes) == usb.util.ENDPOINT_TYPE_BULK]
        directions = {usb.util.endpoint_direction(one.bEndpointAddress): one for one in reversed(bulk)}
        if len(directions) == 2:
            return (
                int(interface.bInterfaceNumber),
                directions[usb.util.ENDPOINT_OUT],
                directions[usb.util.ENDPOINT_IN],
            )
    raise WireLost


def _milliseconds(wait_s: float) -> int:
    # 0 means "for ever" to libusb.
    return max(1, int(wait_s * 1000))


def _nothing(trouble: usb.core.USBError) -> bytes:
    if isinstance(trouble, usb.core.USBTimeoutError) or trouble.errno == errno.ETIMEDOUT:
        return b""
    raise WireLost from None
