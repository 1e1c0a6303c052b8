"""What an IoT camera of a made-up maker says: its web page behind a password, and its pictures.

RFC 9110, 11 and RFC 7617 (basic authentication), RFC 2326 (RTSP 1.0), 10.12 (interleaved data), RFC 4566
(session description), RFC 3550, 5.1 (RTP), RFC 2435, 3.1 (JPEG in RTP).
"""

from __future__ import annotations

import struct
from base64 import b64encode
from random import Random

from otmon.lab import messages
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Host, Say

WEB_PORT, PICTURE_PORT = 80, 554
SERVER = "Server: LabCam-Web/1.2"
REALM = 'WWW-Authenticate: Basic realm="LabCam LC-200"'
FACTORY_USER, FACTORY_PASSWORD = "admin", "12345"
"""The maker is made up; the pair is that of many real ones, the same for every camera."""
_JPEG = 26
_FRAME_STEP = 9_000
"""Of the 90 kHz clock: ten pictures in a second."""


def login() -> str:
    """The header line that carries user and password in clear."""
    pair = b64encode(f"{FACTORY_USER}:{FACTORY_PASSWORD}".encode()).decode()
    return f"Authorization: Basic {pair}"


def web_visit(camera: Host, agent: str) -> list[Say]:
    """The page is refused, asked for again with the password, and given."""
    page = "<html><title>LabCam LC-200</title><p>Network: OK. Cloud: connected.</p></html>"
    refused = messages.http_response("401 Unauthorized", "<html>401</html>", SERVER, REALM)
    return [
        Say("client", messages.http_request("GET", "/", camera.address, agent), 2 * MILLISECOND_NS),
        Say("server", refused, 12 * MILLISECOND_NS),
        Say("client", messages.http_request("GET", "/", camera.address, agent, login()), 6 * SECOND_NS),
        Say("server", messages.http_response("200 OK", page, SERVER), 18 * MILLISECOND_NS),
    ]


def _request(method: str, url: str, number: int, *fields: str) -> bytes:
    return "\r\n".join((f"{method} {url} RTSP/1.0", f"CSeq: {number}", *fields, "", "")).encode()


def _response(number: int, *fields: str, body: str = "") -> bytes:
    more = (f"Content-Length: {len(body)}",) if body else ()
    return "\r\n".join(("RTSP/1.0 200 OK", f"CSeq: {number}", SERVER, *fields, *more, "", body)).encode()


def _picture(number: int, first_stamp: int, source: int, random: Random) -> bytes:
    """A small JPEG picture of 320 by 240 in one packet, interleaved on channel 0."""
    head = struct.pack(">BBHII", 0x80, 0x80 | _JPEG, number, first_stamp + number * _FRAME_STEP, source)
    jpeg = struct.pack(">IBBBB", 0, 1, 40, 320 // 8, 240 // 8)
    packet = head + jpeg + random.randbytes(500 + random.randrange(200))
    return struct.pack(">BBH", 0x24, 0, len(packet)) + packet


def watching(camera: Host, pictures: int, random: Random) -> list[Say]:
    """Somebody looks through the camera for a few `pictures`."""
    url = f"rtsp://{camera.address}/live"
    description = "\r\n".join(
        (
            "v=0",
            f"o=- 1 1 IN IP4 {camera.address}",
            "s=LabCam LC-200",
            "t=0 0",
            f"m=video 0 RTP/AVP {_JPEG}",
            "a=control:track1",
            "",
        )
    )
    session = f"Session: {random.getrandbits(32):08X}"
    transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    kind = ("Content-Type: application/sdp", f"Content-Base: {url}/")
    dialogue = (
        (_request("OPTIONS", url, 1), _response(1, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")),
        (_request("DESCRIBE", url, 2, login()), _response(2, *kind, body=description)),
        (_request("SETUP", f"{url}/track1", 3, login(), transport), _response(3, session, transport)),
        (_request("PLAY", url, 4, login(), session), _response(4, session)),
    )
    says = []
    for asked, answered in dialogue:
        says += [Say("client", asked, 3 * MILLISECOND_NS), Say("server", answered, 9 * MILLISECOND_NS)]
    stamp, source = random.getrandbits(24), random.getrandbits(32)
    for number in range(pictures):
        says.append(Say("server", _picture(number, stamp, source, random), 100 * MILLISECOND_NS))
    ending = (_request("TEARDOWN", url, 5, session), _response(5, session))
    says += [Say("client", ending[0], 5 * MILLISECOND_NS), Say("server", ending[1], 8 * MILLISECOND_NS)]
    return says
