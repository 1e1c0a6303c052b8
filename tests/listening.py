"""What real programs say to each other on the loopback interface, as a capture."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otmon.outputs.pcapng import pcapng

_ALL = 3
_OUTGOING = 4
_PORTS = iter(range(20_000, 32_768))
_HELD: list[socket.socket] = []
"""Names that say which ports are this process's."""


def missing() -> str:
    """Why packets cannot be captured here; "" where they can."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)).close()
    except (AttributeError, OSError) as error:
        return f"packets of the loopback interface: {error}"
    return ""


def free_port() -> int:
    """A port of the loopback interface, for TCP and for UDP, that no other process of tests is given while
    this one lives. It is none of those that Linux gives to whoever names none
    (net.ipv4.ip_local_port_range): nobody comes upon it between here and its server."""
    for port in _PORTS:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            # A name without a file is gone with the process, however that ends.
            held.bind(f"\0otmon-test-port-{port}")
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            held.close()
            continue
        _HELD.append(held)
        return port
    raise AssertionError("no port is free")


@contextmanager
def captured(path: Path, *ports: int) -> Iterator[None]:
    """Write the packets of these ports, seen once each, to `path`."""
    packets: list[tuple[int, bytes]] = []
    wanted = {port.to_bytes(2, "big") for port in ports}
    over = threading.Event()
    ends = [0.0]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        raw.bind(("lo", _ALL))
        raw.settimeout(0.1)

        def listen() -> None:
            # What waits at the end is read too: on a busy machine this thread may be behind. Other
            # programs speak here as well, so it may never be quiet.
            while not over.is_set() or time.monotonic() < ends[0]:
                try:
                    frame, where = raw.recvfrom(1 << 17)
                except TimeoutError:
                    if over.is_set():
                        return
                    continue
                # Behind Ethernet and an IPv4 header without options.
                if where[2] == _OUTGOING and {frame[34:36], frame[36:38]} & wanted:
                    packets.append((time.time_ns(), frame))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
            time.sleep(0.3)
        finally:
            ends[0] = time.monotonic() + 5
            over.set()
            thread.join()
    path.write_bytes(pcapng(packets, "test", "lo", "lo"))
