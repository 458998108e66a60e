#!/usr/bin/python3
"""Runs a program of others with a USB device that is exported by USB/IP, without a kernel's help: usb_of_usbip.py PORT PROGRAM...

umockdev shows the program a machine with one USB device, and hands its usbfs requests (linux/usbdevice_fs.h) to this script, which makes
each a transfer of USB/IP. Debian: umockdev gir1.2-umockdev-1.0 python3-gi.
"""

import errno
import os
import socket
import struct
import subprocess
import sys
import threading

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import GLib, UMockdev  # noqa: E402

# Requests of usbfs on a 64-bit machine.
SUBMIT, REAP, REAP_NOW, DISCARD = 0x8038550A, 0x4008550C, 0x4008550D, 0x550B
CLAIM, RELEASE, SET_INTERFACE, SET_CONFIGURATION = 0x8004550F, 0x80045510, 0x80085504, 0x80045505
CAPABILITIES, GET_DRIVER, DISCONNECT_CLAIM, RESET = 0x8004551A, 0x41045508, 0x8108551B, 0x5514
# struct usbdevfs_urb: type, endpoint, status, flags, buffer, length, actual length.
URB_SIZE, STATUS, BUFFER, LENGTH, ACTUAL = 56, 4, 16, 24, 28
CONTROL = 2


class Device:
    """A device on the other side of USB/IP (Documentation/usb/usbip_protocol.rst)."""

    def __init__(self, port):
        where = ("127.0.0.1", port)
        with socket.create_connection(where) as s:
            s.sendall(struct.pack(">HHI", 0x0111, 0x8005, 0))
            head = self.exactly(s, 12)
            if struct.unpack(">I", head[8:])[0] == 0:
                raise SystemExit("no device is exported")
            bus_id = self.exactly(s, 312)[256:288]
        self.socket = socket.create_connection(where)
        self.socket.sendall(struct.pack(">HHI", 0x0111, 0x8003, 0) + bus_id)
        if struct.unpack(">I", self.exactly(self.socket, 8)[4:])[0] != 0:
            raise SystemExit("the device cannot be imported")
        self.exactly(self.socket, 312)
        self.number = 0

    @staticmethod
    def exactly(s, count):
        data = b""
        while len(data) < count:
            part = s.recv(count - len(data))
            if not part:
                raise ConnectionError("the device has gone")
            data += part
        return data

    def control(self, setup, out):
        """Status and what the device sends, or how many bytes it took."""
        self.number += 1
        length = struct.unpack_from("<H", setup, 6)[0]
        inward = setup[0] >> 7
        head = struct.pack(">10I", 1, self.number, 0, inward, 0, 0, length, 0, 0, 0)
        try:
            self.socket.sendall(head + setup + (b"" if inward else out))
            answer = self.exactly(self.socket, 48)
            status, moved = struct.unpack_from(">iI", answer, 20)
            return status, self.exactly(self.socket, moved) if inward else moved
        except OSError:
            return -errno.ENODEV, b"" if inward else 0

    def descriptor(self, kind, index, length, language=0):
        return self.control(struct.pack("<BBHHH", 0x80, 6, kind << 8 | index, language, length), b"")[1]

    def text(self, index):
        return self.descriptor(3, index, 255, 0x0409)[2:].decode("utf-16-le")


class Usbfs(UMockdev.IoctlBase):
    """What a program asks of /dev/bus/usb."""

    def __init__(self, device):
        super().__init__()
        self.device, self.done = device, []

    def do_handle_ioctl(self, client):
        request, argument = client.get_request() & 0xFFFFFFFF, client.get_arg()
        result, error = 0, 0
        if request == CAPABILITIES:
            argument.resolve(0, 4).update(0, struct.pack("<I", 0))
        elif request == SET_INTERFACE:
            interface, setting = struct.unpack("<II", bytes(argument.resolve(0, 8).retrieve()))
            status, _ = self.device.control(struct.pack("<BBHHH", 1, 11, setting, interface, 0), b"")
            result, error = (0, 0) if status == 0 else (-1, -status)
        elif request == SUBMIT:
            result, error = self.submit(argument)
        elif request in (REAP, REAP_NOW):
            if self.done:
                argument.resolve(0, 8).set_ptr(0, self.done.pop(0))
            else:
                result, error = -1, errno.EAGAIN
        elif request == GET_DRIVER:
            result, error = -1, errno.ENODATA
        elif request == DISCARD:
            result, error = -1, errno.EINVAL
        elif request not in (CLAIM, RELEASE, SET_CONFIGURATION, DISCONNECT_CLAIM, RESET):
            result, error = -1, errno.ENOTTY
        client.complete(result, error)
        return True

    def submit(self, argument):
        urb = argument.resolve(0, URB_SIZE)
        kind, endpoint = bytes(urb.retrieve())[:2]
        if kind != CONTROL or endpoint & 0xF:
            return -1, errno.ENOENT
        length = struct.unpack_from("<i", bytes(urb.retrieve()), LENGTH)[0]
        buffer = urb.resolve(BUFFER, length)
        data = bytes(buffer.retrieve())
        status, moved = self.device.control(data[:8], data[8:])
        if isinstance(moved, bytes):
            buffer.update(8, moved)
            moved = len(moved)
        urb.update(STATUS, struct.pack("<i", status))
        urb.update(ACTUAL, struct.pack("<i", moved))
        self.done.append(urb)
        return 0, 0


def attributes(descriptor, more):
    """A device as umockdev wants it described."""
    lines = [f"A: {name}={value}\\n" for name, value in more.items()]
    return lines + [f"H: descriptors={descriptor.hex().upper()}"]


def main():
    port, program = int(sys.argv[1]), sys.argv[2:]
    device = Device(port)
    head = device.descriptor(1, 0, 18)
    total = struct.unpack_from("<H", device.descriptor(2, 0, 9), 2)[0]
    descriptors = head + device.descriptor(2, 0, total)
    vendor, product, release = struct.unpack_from("<HHH", head, 8)
    hub = bytes.fromhex("12010002090001406B1D020006060302010109021900010100E0000904000001090000000705810304000C")
    bed = UMockdev.Testbed.new()
    for path, name, descriptor, more in (
        ("/devices/pci0000:00/usb1", "001", hub, {"busnum": 1, "devnum": 1, "speed": 480, "bConfigurationValue": 1}),
        (
            "/devices/pci0000:00/usb1/1-1",
            "002",
            descriptors,
            {
                "busnum": 1,
                "devnum": 2,
                "devpath": 1,
                "speed": 12,
                "bConfigurationValue": 1,
                "idVendor": f"{vendor:04x}",
                "idProduct": f"{product:04x}",
                "bcdDevice": f"{release:04x}",
                "manufacturer": device.text(1),
                "product": device.text(2),
                "serial": device.text(3),
            },
        ),
    ):
        lines = [f"P: {path}", f"N: bus/usb/001/{name}={descriptor.hex().upper()}"]
        lines += [f"E: DEVNAME=/dev/bus/usb/001/{name}", "E: DEVTYPE=usb_device", "E: SUBSYSTEM=usb"]
        lines += ["E: BUSNUM=001", f"E: DEVNUM={name}", "E: MAJOR=189", f"E: MINOR={int(name) - 1}"]
        order = "PNSLHAE"
        lines = sorted(lines + attributes(descriptor, more), key=lambda line: order.index(line[0]))
        bed.add_from_string("\n".join(lines) + "\n")
    usbfs = Usbfs(device)
    bed.attach_ioctl("/dev/bus/usb/001/002", usbfs)
    environment = dict(os.environ, LD_PRELOAD="libumockdev-preload.so.0", UMOCKDEV_DIR=bed.get_root_dir())
    loop, code = GLib.MainLoop(), []

    def run():
        code.append(subprocess.call(program, env=environment))
        GLib.idle_add(loop.quit)

    threading.Thread(target=run, daemon=True).start()
    loop.run()
    sys.exit(code[0])


if __name__ == "__main__":
    if os.environ.get("LD_PRELOAD") != "libumockdev-preload.so.0":
        # The test bed itself must be under the library, too.
        os.execve(sys.executable, [sys.executable, *sys.argv], dict(os.environ, LD_PRELOAD="libumockdev-preload.so.0"))
    main()
