"""Send the packets of a capture on an interface, as many in a second as were asked for.

``python -m tests.bench.sender INTERFACE FILE PACKETS_PER_SECOND PACKETS [PASS]``

Many packets go with one system call (sendmmsg(2)). Where the capture is not long enough it begins anew,
each time with other ports of its Modbus clients: to a reader these are new connections, not packets that
come a second time, which would cost it less. PASS, 0 unless given, is how often that was done before.
Prints ``sent``, ``seconds`` and, where the machine could
not keep up, ``late``: by how many seconds the last packet went.
"""

from __future__ import annotations

import ctypes
import socket
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.bench.captures import MODBUS
from tests.bench.frames import FILE_HEADER, RECORD_BYTES

ETHERTYPE, PROTO, PORTS, SUM = 12, 23, 34, 50
"""Offsets in a frame of Ethernet, IPv4 without options, TCP."""
AT_ONCE: Final = 256
PAUSE_S: Final = 0.0005
MESSAGE, VECTOR = 64, 16
"""Bytes of struct mmsghdr and struct iovec."""
Numbers = npt.NDArray[np.uint64]


class Frames:
    """The packets of a capture in memory, ready for sendmmsg."""

    def __init__(self, path: Path) -> None:
        self.data = np.fromfile(path, np.uint8)
        starts, at = [], len(FILE_HEADER)
        lengths = self.data[at:].tobytes()
        size = len(self.data)
        while at < size:
            starts.append(at + RECORD_BYTES)
            begin = at - len(FILE_HEADER) + 8
            at += RECORD_BYTES + int.from_bytes(lengths[begin : begin + 4], "little")
        self.start = np.array(starts, np.int64)
        self.length = np.diff(np.append(self.start - RECORD_BYTES, size)) - RECORD_BYTES
        base = self.data.ctypes.data
        self._vectors: Numbers = np.empty((len(starts), 2), np.uint64)
        self._vectors[:, 0] = base + self.start
        self._vectors[:, 1] = self.length
        self.messages: Numbers = np.zeros((len(starts), MESSAGE // 8), np.uint64)
        # struct msghdr: name, length of it, vectors, how many.
        self.messages[:, 2] = self._vectors.ctypes.data + VECTOR * np.arange(len(starts))
        self.messages[:, 3] = 1
        self._polled = self._of_clients()

    def _of_clients(self) -> npt.NDArray[np.int64]:
        """Where in the data the clients' ports of Modbus over TCP stand, and the sums of those packets."""
        start = self.start[self.length >= 54]
        data = self.data
        tcp = start[(data[start + ETHERTYPE] == 8) & (data[start + PROTO] == socket.IPPROTO_TCP)]
        source, target = self._word(tcp + PORTS), self._word(tcp + PORTS + 2)
        client = np.where(target == MODBUS, PORTS, PORTS + 2)
        polled = (source == MODBUS) | (target == MODBUS)
        return np.stack([tcp + client, tcp + SUM])[:, polled]

    def _word(self, at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return self.data[at].astype(np.int64) << 8 | self.data[at + 1]

    def connections(self) -> int:
        """How many ports Modbus clients have."""
        return len(np.unique(self._word(self._polled[0])))

    def turn_over(self, by: int) -> None:
        """Every client's port is so much higher from now on, and the sum fits it (RFC 1624)."""
        port, total = self._polled
        old = self._word(port)
        new = 1024 + (old - 1024 + by) % (65_536 - 1024)
        changed = (~self._word(total) & 0xFFFF) + (~old & 0xFFFF) + new
        changed = (changed & 0xFFFF) + (changed >> 16)
        changed = ~((changed & 0xFFFF) + (changed >> 16)) & 0xFFFF
        for at, value in ((port, new), (total, changed)):
            self.data[at] = value >> 8
            self.data[at + 1] = value & 0xFF


def send(interface: str, path: Path, rate: float, packets: int, passes: int = 0) -> tuple[float, float]:
    """How long it took, and how late the last packet went, both in seconds."""
    frames = Frames(path)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sendmmsg.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int
    address = frames.messages.ctypes.data
    connections = frames.connections()
    frames.turn_over(connections * passes)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        number = sender.fileno()
        sent = place = 0
        begin = time.monotonic()
        while sent < packets:
            due = min(int((time.monotonic() - begin) * rate), packets) - sent
            if due <= 0:
                time.sleep(PAUSE_S)
                continue
            many = min(due, AT_ONCE, len(frames.start) - place)
            done = libc.sendmmsg(number, address + MESSAGE * place, many, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            sent += done
            place += done
            if place == len(frames.start):
                place = 0
                frames.turn_over(connections)
        took = time.monotonic() - begin
    return took, took - packets / rate


def main() -> None:
    interface, path, rate, packets, *passes = sys.argv[1:6]
    took, late = send(interface, Path(path), float(rate), int(packets), *map(int, passes))
    print(f"sent {packets}\nseconds {took:.3f}\nlate {late:.3f}")


if __name__ == "__main__":
    main()
