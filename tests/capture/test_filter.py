"""Filters are what libpcap makes of the words."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess

import pytest

from otmon.capture.filter import FilterError, compile_filter
from otmon.capture.ring import RingError

pytestmark = pytest.mark.skipif(
    ctypes.util.find_library("pcap") is None, reason="needs libpcap (Debian: apt-get install libpcap0.8)"
)


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="needs tcpdump (Debian: apt-get install tcpdump)")
@pytest.mark.parametrize("text", ["tcp port 502", "not host 10.0.0.1", "ether proto 0x8892 or udp", ""])
def test_the_instructions_are_those_of_tcpdump(text: str) -> None:
    done = subprocess.run(
        ["tcpdump", "-y", "EN10MB", "-ddd", text], capture_output=True, text=True, check=True
    )
    _, *rows = done.stdout.splitlines()
    expected = [tuple(map(int, row.split())) for row in rows]
    program = compile_filter(text, "lo")
    found = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert [
        (int.from_bytes(one[:2], "little"), one[2], one[3], int.from_bytes(one[4:], "little"))
        for one in found
    ] == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [("tcp prot 502", "syntax error"), ("port 99999", "99999"), ("vlan 10", "VLAN"), ("(" * 500, "filter")],
)
def test_what_libpcap_does_not_understand(text: str, what: str) -> None:
    with pytest.raises(FilterError, match=what):
        compile_filter(text, "lo")


def test_an_interface_that_is_not_there() -> None:
    with pytest.raises(RingError):
        compile_filter("tcp", "nothere0")
