"""Headers as real systems write them, and scapy's as another opinion."""

from __future__ import annotations

from random import Random

import pytest

from otmon.identity.claims.opening import hops_of, opening


def _headers(options: bytes, window: int, hops: int = 64, flags: int = 0x40) -> bytes:
    tcp = bytes.fromhex("c35001bb0000000100000000") + bytes(((20 + len(options)) // 4 << 4, 2))
    tcp += window.to_bytes(2, "big") + bytes(4) + options
    ip = b"\x45\0" + (20 + len(tcp)).to_bytes(2, "big") + bytes((0, 0, flags, 0, hops, 6)) + bytes(10)
    return ip + tcp


LINUX = bytes.fromhex("020405b40402080a0000000100000000" + "01030307")
WINDOWS = bytes.fromhex("020405b40103030801010402")


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (_headers(LINUX, 64240), "64:mss*44,7:mss,sok,ts,nop,ws:df"),
        (_headers(WINDOWS, 8192, 127), "127:8192,8:mss,nop,ws,nop,nop,sok:df"),
        (_headers(bytes.fromhex("020405b4"), 2048, 255, 0), "255:2048,0:mss:"),
        (_headers(b"", 0), "64:0,0::df"),
        (_headers(bytes.fromhex("fd04000000000000"), 5840), "64:5840,0:?253,eol:df"),
        (_headers(bytes.fromhex("02ff05b4"), 1460), "64:1460,0:mss:df"),
    ],
)
def test_how_systems_open_connections(headers: bytes, told: str) -> None:
    assert opening(headers) == told
    assert hops_of(told) == headers[8]
    for size in range(len(headers)):
        assert opening(headers[:size]) == ""


def test_version_6_and_what_is_no_tcp() -> None:
    tcp = _headers(LINUX, 64800)[20:]
    assert opening(b"\x60\0\0\0\0\x28\6\x40" + bytes(32) + tcp) == "64:64800,7:mss,sok,ts,nop,ws:"
    assert opening(b"\x60\0\0\0\0\x28\x11\x40" + bytes(32) + tcp) == opening(b"\x70" + bytes(80)) == ""
    assert hops_of("") == hops_of("x:1") == hops_of("²:1") == -1


def test_any_bytes_give_a_text_or_nothing() -> None:
    random = Random(7)
    for _ in range(3_000):
        wrong = bytearray(_headers(random.choice((LINUX, WINDOWS, b"")), 64240))
        for _ in range(random.randrange(1, 5)):
            wrong[random.randrange(len(wrong))] = random.randrange(256)
        told = opening(bytes(wrong))
        assert told == "" or (told.count(":") == 3 and 0 <= hops_of(told) <= 255 and len(told) <= 160)


@pytest.mark.parametrize("scale", [0, 7, 14])
def test_what_scapy_writes(scale: int) -> None:
    from scapy.layers.inet import IP, TCP

    options = [("MSS", 1380), ("SAckOK", b""), ("Timestamp", (5, 0)), ("NOP", None), ("WScale", scale)]
    made = bytes(IP(ttl=63, flags="DF") / TCP(flags="S", window=13800, options=options))
    assert opening(made) == f"63:mss*10,{scale}:mss,sok,ts,nop,ws:df"
