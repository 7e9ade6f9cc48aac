"""A USB printer without USB: a backend for the real pyusb, in front of a simulated printer's port.

Owns descriptors and bulk transfers as libusb would give them. Must never shorten the way through pyusb.
"""

import errno
import select
import socket
from typing import Any
from urllib.parse import urlsplit

import usb.backend
import usb.core

BULK_OUT, BULK_IN, PACKET_BYTES = 0x01, 0x82, 64


class _Descriptor:
    """A descriptor's fields, by the names pyusb copies."""

    def __init__(self, **fields: object) -> None:
        self.extra_descriptors: list[int] = []
        for name, value in fields.items():
            setattr(self, name, value)


class UsbPrinterBackend(usb.backend.IBackend):  # type: ignore[misc] # pyusb has no types
    """One device, 04b8:0202, with a printer interface behind a vendor one. `calls` are the names of what was done."""

    def __init__(self, url: str, *, configured: bool = True, kernel_driver: bool = True, bulk: bool = True) -> None:
        parts = urlsplit(url)
        self._where = (parts.hostname or "", parts.port or 0)
        self._configured = configured
        self._kernel_driver = kernel_driver
        self._bulk = bulk
        self._socket: socket.socket | None = None
        self.calls: list[str] = []

    def enumerate_devices(self) -> list[str]:
        return ["printer"]

    def get_device_descriptor(self, dev: Any) -> _Descriptor:
        return _Descriptor(
            bLength=18, bDescriptorType=1, bcdUSB=0x0200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=0x04B8, idProduct=0x0202, bcdDevice=0x0100, iManufacturer=0, iProduct=0,
            iSerialNumber=0, bNumConfigurations=1, address=5, bus=1, port_number=1, port_numbers=(1,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: Any, config: int) -> _Descriptor:
        if config:
            raise IndexError
        return _Descriptor(
            bLength=9, bDescriptorType=2, wTotalLength=64, bNumInterfaces=2, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0xC0, bMaxPower=1,
        )  # fmt: skip

    def get_interface_descriptor(self, dev: Any, intf: int, alt: int, config: int) -> _Descriptor:
        if intf > 1 or alt:
            raise IndexError
        return _Descriptor(
            bLength=9, bDescriptorType=4, bInterfaceNumber=intf, bAlternateSetting=0, bNumEndpoints=2,
            bInterfaceClass=7 if intf else 255, bInterfaceSubClass=1, bInterfaceProtocol=2, iInterface=0,
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: Any, ep: int, intf: int, alt: int, config: int) -> _Descriptor:
        # The vendor interface answers at other addresses, where nobody listens: choosing it would fail the test.
        address = (BULK_OUT, BULK_IN)[ep] + (0 if intf else 2)
        return _Descriptor(
            bLength=7, bDescriptorType=5, bEndpointAddress=address, bmAttributes=2 if self._bulk else 3,
            wMaxPacketSize=PACKET_BYTES, bInterval=0, bRefresh=0, bSynchAddress=0,
        )  # fmt: skip

    def open_device(self, dev: Any) -> str:
        return "handle"

    def close_device(self, dev_handle: Any) -> None:
        self.calls.append("close")

    def get_configuration(self, dev_handle: Any) -> int:
        return 1 if self._configured else 0

    def set_configuration(self, dev_handle: Any, config_value: int) -> None:
        self._configured = True
        self.calls.append("set_configuration")

    def is_kernel_driver_active(self, dev_handle: Any, intf: int) -> bool:
        return self._kernel_driver

    def detach_kernel_driver(self, dev_handle: Any, intf: int) -> None:
        self._kernel_driver = False
        self.calls.append("detach")

    def claim_interface(self, dev_handle: Any, intf: int) -> None:
        if self._kernel_driver:
            raise usb.core.USBError("Resource busy", -6, errno.EBUSY)
        self.calls.append(f"claim {intf}")
        try:
            self._socket = socket.create_connection(self._where, timeout=5)
        except OSError:
            raise usb.core.USBError("No such device", -4, errno.ENODEV) from None

    def release_interface(self, dev_handle: Any, intf: int) -> None:
        self.calls.append(f"release {intf}")
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def bulk_write(self, dev_handle: Any, ep: int, intf: int, data: Any, timeout: int) -> int:
        line = self._line(ep, BULK_OUT)
        if not select.select([], [line], [], timeout / 1000)[1]:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        try:
            line.setblocking(False)
            return line.send(bytes(data))
        except BlockingIOError:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT) from None
        except OSError:
            raise usb.core.USBError("No such device", -4, errno.ENODEV) from None

    def bulk_read(self, dev_handle: Any, ep: int, intf: int, buff: Any, timeout: int) -> int:
        line = self._line(ep, BULK_IN)
        if not select.select([line], [], [], timeout / 1000)[0]:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        try:
            said = line.recv(len(buff))
        except OSError:
            said = b""
        if not said:
            raise usb.core.USBError("No such device", -4, errno.ENODEV)
        for place, byte in enumerate(said):
            buff[place] = byte
        return len(said)

    def _line(self, endpoint: int, wanted: int) -> socket.socket:
        if self._socket is None or endpoint != wanted:
            raise usb.core.USBError("Entity not found", -5, errno.ENOENT)
        return self._socket
