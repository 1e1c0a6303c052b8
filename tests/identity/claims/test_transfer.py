"""Where FTP and RTSP say that data is to go."""

from __future__ import annotations

import pytest

from otmon.identity.claims.transfer import expected
from otmon.identity.login import Seen
from tests.identity.claims.messages import Said, said

SEEN = Seen(1, 1, 0)


def waits(protocol: str, *turns: tuple[str, bytes]) -> list[Said]:
    return [one for one in said(protocol, *turns) if one[0] == "expects"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "line", "value"),
    [
        ("c", b"PORT 10,1,0,20,200,10", "tcp/51210 10.1.0.20"),
        ("c", b"port 10,1,0,20,200,10", "tcp/51210 10.1.0.20"),
        ("s", b"227 Entering Passive Mode (10,2,0,1,195,80).", "tcp/50000 10.2.0.1"),
        ("s", b"227 =10,2,0,1,195,80", "tcp/50000 10.2.0.1"),
        ("c", b"EPRT |1|10.1.0.20|51210|", "tcp/51210 10.1.0.20"),
        ("c", b"EPRT |2|FD00:0::5|51210|", "tcp/51210 fd00::5"),
        ("c", b"EPRT |1|0.0.0.0|51210|", "tcp/51210"),
        ("s", b"229 Entering Extended Passive Mode (|||50000|)", "tcp/50000"),
    ],
)
def test_ftp(who: str, line: bytes, value: str) -> None:
    assert waits("ftp", (who, line + b"\r\n")) == [("expects", value)]
    other = "s" if who == "c" else "c"
    assert waits("ftp", (other, line + b"\r\n")) == []


@pytest.mark.parametrize(
    "line",
    [
        b"PORT 10,1,0,20,200",
        b"PORT 10,1,0,256,200,10",
        b"PORT 10,1,0,20,0,0",
        b"PORT 10,1,0,20,200,1000",
        b"PORT 10,1,0,20,200,10,7",
        b"PORT 239,1,0,20,200,10",
        b"EPRT |1|10.1.0|51210|",
        b"EPRT |1|10.1.0.20|65536|",
        b"EPRT |1|10.1.0.20|51210",
        b"EPRT |3|10.1.0.20|51210|",
    ],
)
def test_what_names_no_port_of_a_host_is_none(line: bytes) -> None:
    assert waits("ftp", ("c", line + b"\r\n")) == []


def test_rtsp_takes_what_both_agreed_on() -> None:
    answer = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport: %s\r\n\r\n"
    asked = b"SETUP rtsp://c/1 RTSP/1.0\r\nTransport: RTP/AVP;unicast;client_port=7000-7001\r\n\r\n"
    both = answer % b"RTP/AVP;unicast;client_port=60000-60001;server_port=6970-6971"
    ports = ["udp/60000", "udp/60001", "udp/6970", "udp/6971"]
    assert waits("rtsp", ("c", asked), ("s", both)) == [("expects", port) for port in ports]
    elsewhere = answer % b"RTP/AVP;unicast;destination=10.9.9.9;client_port=60000"
    assert waits("rtsp", ("s", elsewhere)) == [("expects", "udp/60000 10.9.9.9")]
    for inside in (b"RTP/AVP/TCP;interleaved=0-1;client_port=1-2", b"RTP/AVP;multicast;client_port=5000"):
        assert waits("rtsp", ("s", answer % inside)) == []


def test_no_port_and_no_address() -> None:
    for port, address in ((0, ""), (65_536, ""), (5, "10.1.0"), (5, "224.0.0.1")):
        assert list(expected("tcp", port, address, SEEN, True)) == []
