"""One reader over one capture, in a process of its own: ``python -m tests.bench.readers TOOL FILE LIMIT``
(0 for all packets).

It prints how many packets it read and, where the tool lets that be told, how many seconds the reading
took once the tool was ready.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from otmon.garbage_collection import without_garbage_collection
from tests.bench.tools import TRANSACTIONS, ZONES

if TYPE_CHECKING:
    from otmon.ledger.ledger import Ledger

_times: list[float] = []


def mark() -> None:
    """The first time: from here on it counts. The second time: to here."""
    _times.append(time.perf_counter())


def counted(packets: Iterable[Any], limit: int) -> int:
    return sum(1 for _ in islice(packets, limit or None))


def libpcap(path: str, limit: int) -> int:
    """libpcap's own loop with a compiled callback: what reading alone costs."""
    import ctypes
    from ctypes.util import find_library

    import numba
    import numpy as np

    counts = np.zeros(2, np.int64)
    signature = numba.types.void(
        numba.types.CPointer(numba.int64),
        numba.types.CPointer(numba.uint32),
        numba.types.CPointer(numba.uint8),
    )

    @numba.cfunc(signature)
    def count(user, header, data):  # type: ignore[no-untyped-def]
        # struct pcap_pkthdr: sixteen bytes of time, the captured length, the length.
        user[0] += 1
        user[1] += header[4]

    library = ctypes.CDLL(find_library("pcap"))
    library.pcap_open_offline.restype = ctypes.c_void_p
    handle = library.pcap_open_offline(path.encode(), ctypes.create_string_buffer(256))
    loop = library.pcap_loop
    loop.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    mark()
    loop(handle, limit or -1, count.address, counts.ctypes.data)
    mark()
    print("bytes", counts[1])
    return int(counts[0])


def otmon(path: str, limit: int) -> int:
    """Engine and judging of the zones, once warm."""
    return _tell(_otmon(path, None))


def otmon_transactions(path: str, limit: int) -> int:
    """The same with each transaction written out."""
    from pyarrow.parquet import ParquetFile

    ledger = _otmon(path, TRANSACTIONS)
    print("rows", ParquetFile(TRANSACTIONS).metadata.num_rows)
    return _tell(ledger)


@without_garbage_collection()
def _otmon(path: str, transactions: str | None) -> Ledger:
    from otmon.engine import replay
    from otmon.findings.judge import judge
    from otmon.zones.files.load import load_model

    model = load_model(ZONES)
    judge(replay(["pcaps/factory-day.pcapng"], transactions=transactions).ledger, model)
    mark()
    ledger = replay([path], transactions=transactions).ledger
    read = time.perf_counter()
    findings = judge(ledger, model)
    mark()
    print("judging", _times[1] - read)
    print("findings", len(findings))
    return ledger


def _tell(ledger: Ledger) -> int:
    """What can be held against the truth: transactions as counted while reading, and as the facts
    have them with those that found no place."""
    operations = ledger.operations
    print("transactions", dict(ledger.sources[0].counters).get("transactions", 0))
    print("operations", sum(one.times for one in operations) + dict(ledger.overflow).get("operations", 0))
    print("exceptions", sum(one.times for one in operations if one.status > 0))
    print("writes", sum(one.times for one in operations if one.function in (5, 6, 15, 16)))
    return ledger.sources[0].packets


def nfstream(path: str, limit: int) -> int:
    from nfstream import NFStreamer

    return sum(flow.bidirectional_packets for flow in NFStreamer(source=path, n_meters=1))


def dpkt(path: str, limit: int) -> int:
    from dpkt.ethernet import Ethernet
    from dpkt.pcap import Reader

    mark()
    with open(path, "rb") as stream:
        return counted((Ethernet(data) for _, data in Reader(stream)), limit)


def scapy(path: str, limit: int) -> int:
    from scapy.contrib import modbus  # noqa: F401
    from scapy.utils import PcapReader

    mark()
    return counted(PcapReader(path), limit)


def pyshark(path: str, limit: int) -> int:
    from pyshark import FileCapture

    with FileCapture(path, keep_packets=False) as capture:
        packets = iter(capture)
        next(packets)  # waits for tshark's start
        mark()
        read = 1 + counted(packets, limit - 1 if limit else 0)
        mark()
    return read


READERS: dict[str, Callable[[str, int], int]] = {
    reader.__name__: reader for reader in (libpcap, otmon, otmon_transactions, nfstream, dpkt, scapy, pyshark)
}

if __name__ == "__main__":
    packets = READERS[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    if _times:
        mark()
        print("seconds", _times[1] - _times[0])
    print("packets", packets)
