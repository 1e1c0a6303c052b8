"""OPC UA of the lab is what tshark, asyncua and the program take it for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from otmon.identity.login import Piece, Seen
from otmon.identity.opc_ua import log_ins
from otmon.lab.frames import MILLISECOND_NS, Say, connection
from otmon.lab.opc_ua import PORT, URI, Conversation
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng
from tests.protocols.recognition import ask

PLANT = shipped_plant("body-line")
HOSTS = (PLANT.host("mes"), PLANT.host("data-gateway"))
TIME_NS = PLANT.midnight_ns
VALUES = {"Line.Bodies": 17, "Line.Takt": 65_535}


def exchanges() -> list[tuple[bytes, bytes]]:
    one = Conversation("opc.tcp://10.5.25.10:4840/", 700)
    return [*one.opening(TIME_NS), one.read(TIME_NS, VALUES), one.write(TIME_NS, "Order.Number", 4_123)]


def test_tshark_reads_what_is_said(tshark: str, tmp_path: Path) -> None:
    says = []
    for asked, answered in exchanges():
        says += [Say("client", asked, MILLISECOND_NS), Say("server", answered, MILLISECOND_NS)]
    packets = connection(PLANT.wire, TIME_NS, HOSTS, (50_000, PORT), says, Random(1), "x")
    capture = tmp_path / "opc-ua.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))
    fields = ("opcua.transport.type", "opcua.servicenodeid.numeric", "_ws.malformed")
    command = [tshark, "-r", str(capture), "-Y", "opcua", "-T", "fields", "-E", "separator=;"]
    command += [part for field in fields for part in ("-e", field)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    shown = [line.split(";") for line in done.stdout.splitlines()]
    assert [line[0] for line in shown] == ["HEL", "ACK", "OPN", "OPN", *["MSG"] * 8]
    assert [line[1] for line in shown[2:]] == [
        "446", "449", "461", "464", "467", "470", "631", "634", "673", "676",
    ]  # fmt: skip
    assert not any(line[2] for line in shown), "malformed"


def body(message: bytes, kind: type) -> object:
    """A message's body, as asyncua reads it to the last byte."""
    at = 24
    if message[:3] == b"OPN":
        at = 12 + 4 + int.from_bytes(message[12:16], "little") + 8 + 8
    data = Buffer(message[at:])
    nodeid_from_binary(data)
    found = struct_from_binary(kind, Buffer(message[at:]))
    return found


def test_asyncua_reads_each_message_whole() -> None:
    kinds = (
        (ua.OpenSecureChannelRequest, ua.OpenSecureChannelResponse),
        (ua.CreateSessionRequest, ua.CreateSessionResponse),
        (ua.ActivateSessionRequest, ua.ActivateSessionResponse),
        (ua.ReadRequest, ua.ReadResponse),
        (ua.WriteRequest, ua.WriteResponse),
    )
    found = []
    for (asked, answered), (request, response) in zip(exchanges()[1:], kinds, strict=True):
        found += [body(asked, request), body(answered, response)]
    read, told = found[6], found[7]
    assert [one.NodeId.Identifier for one in read.Parameters.NodesToRead] == list(VALUES)  # type: ignore[attr-defined]
    assert [one.Value.Value for one in told.Results] == list(VALUES.values())  # type: ignore[attr-defined]
    (written,) = found[8].Parameters.NodesToWrite  # type: ignore[attr-defined]
    assert (written.NodeId.Identifier, written.Value.Value.Value) == ("Order.Number", 4_123)
    assert found[9].Results[0].is_good() and URI  # type: ignore[attr-defined]


def test_the_password_is_encrypted() -> None:
    """Log-ins are read where nothing encrypts them: here is none."""
    pieces, at = [], {True: 0, False: 0}
    for number, message in enumerate(message for exchange in exchanges() for message in exchange):
        from_client = number % 2 == 0
        pieces.append(Piece(from_client, at[from_client], message, Seen(number, number, 0)))
        at[from_client] += len(message)
    assert list(log_ins(pieces)) == []


def test_the_program_knows_it() -> None:
    for asked, answered in exchanges()[:2]:
        for message in (asked, answered):
            known = ask(message, "tcp")
            assert known is not None and known.name == "opc_ua"
