"""One reader over one capture, in a process of its own: ``python -m tests.bench.readers TOOL FILE``.

Each prints how many packets it read, and how many seconds the reading took without the start.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def libpcap(path: str) -> int:
    """The floor: libpcap's own loop, with a compiled callback that counts packets and bytes."""
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
        # struct pcap_pkthdr: two words of time, then caplen.
        user[0] += 1
        user[1] += header[4]

    library = ctypes.CDLL(find_library("pcap"))
    library.pcap_open_offline.restype = ctypes.c_void_p
    handle = library.pcap_open_offline(path.encode(), ctypes.create_string_buffer(256))
    loop = library.pcap_loop
    loop.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    begin()
    loop(handle, -1, count.address, counts.ctypes.data)
    return int(counts[0])


def otmon(path: str) -> int:
    """This program's engine and the judging of the zones, once warm."""
    return _otmon(path, None)


def otmon_transactions(path: str) -> int:
    """The same with every transaction written out."""
    return _otmon(path, "build/bench/transactions.parquet")


def _otmon(path: str, transactions: str | None) -> int:
    from otmon.engine import replay
    from otmon.findings.judge import judge
    from otmon.zones.load import load_model

    model = load_model("zones/factory.yaml")
    replay(["pcaps/factory-day.pcapng"], transactions=transactions)
    begin()
    ledger = replay([path], transactions=transactions).ledger
    judge(ledger, model)
    counters = dict(ledger.sources[0].counters)
    print("transactions", counters.get("transactions", 0))
    return ledger.sources[0].packets


def nfstream(path: str) -> int:
    from nfstream import NFStreamer

    begin()
    return sum(flow.bidirectional_packets for flow in NFStreamer(source=path, n_meters=1))


def dpkt(path: str) -> int:
    import dpkt as reader

    begin()
    count = 0
    with open(path, "rb") as stream:
        for _, data in reader.pcap.Reader(stream):
            reader.ethernet.Ethernet(data)
            count += 1
    return count


def scapy(path: str) -> int:
    from scapy.contrib import modbus  # noqa: F401
    from scapy.utils import PcapReader

    begin()
    return sum(1 for _ in PcapReader(path))


def pyshark(path: str) -> int:
    from pyshark import FileCapture

    begin()
    with FileCapture(path, keep_packets=False) as capture:
        return sum(1 for _ in capture)


READERS: dict[str, Callable[[str], int]] = {
    reader.__name__: reader for reader in (libpcap, otmon, otmon_transactions, nfstream, dpkt, scapy, pyshark)
}
_begun = 0.0


def begin() -> None:
    """From here on it counts."""
    global _begun  # noqa: PLW0603
    _begun = time.perf_counter()


if __name__ == "__main__":
    packets = READERS[sys.argv[1]](sys.argv[2])
    print("packets", packets)
    print("seconds", time.perf_counter() - _begun)
