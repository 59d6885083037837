"""Imported by Python as it starts, where its folder is in PYTHONPATH: writes down addresses that leave this machine.

So that processes that a command starts are watched too. NAPARI_FASTSAM_SOCKETS names the file.
"""

import ipaddress
import os
import sys


def _leaves(host: object) -> bool:
    if host in (None, "", b""):
        return False
    name = os.fsdecode(host) if isinstance(host, str | bytes) else str(host)
    if name in ("localhost", os.uname().nodename if hasattr(os, "uname") else ""):
        return False
    try:
        return not ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return True  # a name that would be asked for


def _hear(event: str, args: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) and address else None  # text is a socket of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if _leaves(host):
        with open(os.environ["NAPARI_FASTSAM_SOCKETS"], "a", encoding="utf-8") as file:
            file.write(f"{event} {args[1:]!r} {args[0]!r} by {' '.join(sys.argv)[:100]}\n")


if "NAPARI_FASTSAM_SOCKETS" in os.environ:
    sys.addaudithook(_hear)
