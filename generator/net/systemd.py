"""What a service tells its service manager, where there is one (sd_notify: one datagram)."""

import contextlib
import os
import socket


def tell_systemd(*states: str) -> None:
    """Tell the service manager `states`, such as READY=1; nothing where none listens."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.sendto("\n".join(states).encode(), "\0" + place[1:] if place.startswith("@") else place)
