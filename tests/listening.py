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


def missing() -> str:
    """Why packets cannot be captured here; "" where they can."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)).close()
    except (AttributeError, OSError) as error:
        return f"packets of the loopback interface: {error}"
    return ""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


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
