"""Ways in: remote desktop, log-ins with the password that the maker set, and support tools that call out.

RFC 854 and 855 (Telnet), RFC 959 (FTP), RFC 7617 (basic authentication).
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated

from pydantic import Field

from otmon.lab import camera, messages
from otmon.lab.dialogues import look_up, remote_desktop, tls_session
from otmon.lab.form import Domain, Duration, Form, Id, Port, Text, whole
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Say
from otmon.lab.scene import Act, Deed, step_kind

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/136.0.0.0 Safari/537.36"
TELNET, FTP, FTP_DATA = 23, 21, 20_000


class DesktopForm(Form):
    user: Text = "operator"
    turns: Annotated[int, whole(1, 500)] = 6
    """Of mouse or keyboard, one each 19 seconds."""


def _desktop(act: Act, form: DesktopForm) -> Deed:
    """Works at a screen over remote desktop."""
    hosts = (act.by, act.to)
    return Deed(remote_desktop(act.wire, act.start_ns, hosts, form.user, form.turns, act.random, act.event))


class HttpsForm(Form):
    name: Domain
    """The server's name, as the client says it in clear."""
    turns: Annotated[int, whole(1, 100)] = 4
    """Requests and their responses."""
    asks: Annotated[int, whole(20, 20_000)] = 300
    gets: Annotated[int, whole(20, 20_000)] = 900
    """Bytes of each."""
    each: Duration = 3 * SECOND_NS
    times: Annotated[int, whole(1, 50)] = 1
    every: Duration = 60 * SECOND_NS
    """From one connection to the next."""


def _https(act: Act, form: HttpsForm) -> Deed:
    """Talks HTTPS, once or again and again."""
    packets = []
    for number in range(form.times):
        sizes = (form.asks, form.gets) * form.turns
        start_ns = act.start_ns + number * form.every
        packets += tls_session(
            act.wire, start_ns, (act.by, act.to), form.name, sizes, act.random, act.event, form.each
        )
    return Deed(packets)


class WebLogInForm(Form):
    user: Text
    password: Text
    server: Text = "LabWeb/1.0"
    realm: Text = "Login"
    path: Text = "/"
    tries: Annotated[int, whole(0, 1_000)] = 0
    """Wrong passwords before it."""


def _web_log_in(act: Act, form: WebLogInForm) -> Deed:
    """Logs in to a web page whose password goes over the wire in clear; its maker's password opens it."""
    says = []

    def ask(password: str | None, refused: bool) -> None:
        fields = []
        if password is not None:
            pair = b64encode(f"{form.user}:{password}".encode()).decode()
            fields = [f"Authorization: Basic {pair}"]
        server = f"Server: {form.server}"
        page = f"<html><title>{form.realm}</title><p>Network. Firmware. Users.</p></html>"
        answer = messages.http_response("200 OK", page, server)
        if refused:
            needs = f'WWW-Authenticate: Basic realm="{form.realm}"'
            answer = messages.http_response("401 Unauthorized", "<html>401</html>", server, needs)
        asked = messages.http_request("GET", form.path, act.to.address, BROWSER, *fields)
        says.append(Say("client", asked, 2 * SECOND_NS))
        says.append(Say("server", answer, 15 * MILLISECOND_NS))

    ask(None, refused=True)
    for number in range(form.tries):
        ask(f"guess{number}", refused=True)
    ask(form.password, refused=False)
    service = act.targets[0].serves("http")
    return Deed(act.talk(0, (act.by, act.to), service.port if service is not None else 80, says))


class TelnetForm(Form):
    user: Text
    password: Text
    commands: Annotated[tuple[Text, ...], Field(max_length=50)] = ("show version", "show config")
    device: Text = "Controller"
    """What it calls itself."""


def _telnet(act: Act, form: TelnetForm) -> Deed:
    """Logs in over Telnet and gives commands; every letter goes over the wire by itself, in clear."""
    says = [
        Say("server", bytes.fromhex("fffb01fffb03"), 20 * MILLISECOND_NS),
        Say("client", bytes.fromhex("fffd01fffd03"), 5 * MILLISECOND_NS),
        Say("server", f"\r\n{form.device}\r\nlogin: ".encode(), 30 * MILLISECOND_NS),
    ]

    def typed(text: str, *, echoed: bool) -> None:
        for letter in text:
            says.append(Say("client", letter.encode(), 120 * MILLISECOND_NS))
            if echoed:
                says.append(Say("server", letter.encode(), 8 * MILLISECOND_NS))
        says.append(Say("client", b"\r\n", 150 * MILLISECOND_NS))

    typed(form.user, echoed=True)
    says.append(Say("server", b"\r\nPassword: ", 20 * MILLISECOND_NS))
    typed(form.password, echoed=False)
    says.append(Say("server", b"\r\n\r\nLast login: never\r\n> ", 40 * MILLISECOND_NS))
    for command in form.commands:
        typed(command, echoed=True)
        says.append(Say("server", b"\r\nOK\r\n> ", 60 * MILLISECOND_NS))
    typed("exit", echoed=True)
    says.append(Say("server", b"\r\nBye\r\n", 20 * MILLISECOND_NS))
    return Deed(act.talk(0, (act.by, act.to), TELNET, says))


class FtpForm(Form):
    user: Text
    password: Text
    file: Text
    size: Annotated[int, whole(1, 1_000_000)] = 8_000
    """Bytes that are stored."""
    device: Text = "Controller"


def _ftp(act: Act, form: FtpForm) -> Deed:
    """Logs in over FTP and stores a file."""
    port = FTP_DATA + act.random.randrange(2_000)
    passive = ",".join((*act.to.address.split("."), *map(str, divmod(port, 256))))
    dialogue = (
        (f"USER {form.user}", "331 Password required"),
        (f"PASS {form.password}", "230 Logged in"),
        ("TYPE I", "200 Type set to I"),
        ("PASV", f"227 Entering Passive Mode ({passive})"),
        (f"STOR {form.file}", "150 Opening BINARY mode data connection"),
    )
    says = [Say("server", f"220 {form.device} FTP server ready\r\n".encode(), 20 * MILLISECOND_NS)]
    for asked, answered in dialogue:
        says.append(Say("client", f"{asked}\r\n".encode(), SECOND_NS))
        says.append(Say("server", f"{answered}\r\n".encode(), 12 * MILLISECOND_NS))
    says.append(Say("server", b"226 Transfer complete\r\n", 2 * SECOND_NS))
    says.append(Say("client", b"QUIT\r\n", SECOND_NS))
    says.append(Say("server", b"221 Goodbye\r\n", 8 * MILLISECOND_NS))
    hosts = (act.by, act.to)
    data = [Say("client", act.random.randbytes(form.size), 4 * MILLISECOND_NS)]
    return Deed(act.talk(0, hosts, FTP, says) + act.talk(5_100 * MILLISECOND_NS, hosts, port, data))


class WatchForm(Form):
    pictures: Annotated[int, whole(1, 10_000)] = 100


def _watch(act: Act, form: WatchForm) -> Deed:
    """Looks through a camera over RTSP, with its maker's password."""
    says = camera.watching(act.to, form.pictures, act.random)
    return Deed(act.talk(0, (act.by, act.to), camera.PICTURE_PORT, says))


class SupportForm(Form):
    name: Domain
    """Of the relay, as it is looked up and as the client says it in clear."""
    names: Id
    """Who answers questions for names."""
    port: Port = 443
    turns: Annotated[int, whole(1, 2_000)] = 60


def _support(act: Act, form: SupportForm) -> Deed:
    """A remote-support tool on a machine inside calls its relay, and somebody far away works through it."""
    server = act.hosts[form.names].host
    packets = look_up(
        act.wire, act.start_ns, (act.by, server), form.name, act.to.address, act.random, act.event
    )
    says = [
        Say("client", messages.client_hello(form.name, act.random), MILLISECOND_NS),
        Say("server", messages.server_hello(act.random), 12 * MILLISECOND_NS),
        Say("client", messages.tls_data(act.random, 120), 4 * MILLISECOND_NS),
    ]
    for _ in range(form.turns):
        moved, drawn = 60 + act.random.randrange(60), 600 + act.random.randrange(2_400)
        says.append(Say("server", messages.tls_data(act.random, moved), 2 * SECOND_NS))
        says.append(Say("client", messages.tls_data(act.random, drawn), 30 * MILLISECOND_NS))
    return Deed(packets + act.talk(SECOND_NS, (act.by, act.to), form.port, says))


DESKTOP = step_kind("remote-desktop", DesktopForm)(_desktop)
HTTPS = step_kind("https", HttpsForm)(_https)
WEB_LOG_IN = step_kind("web-log-in", WebLogInForm)(_web_log_in)
TELNET_LOG_IN = step_kind("telnet-log-in", TelnetForm)(_telnet)
FTP_LOG_IN = step_kind("ftp-log-in", FtpForm)(_ftp)
WATCH = step_kind("watch-camera", WatchForm)(_watch)
SUPPORT = step_kind("remote-support", SupportForm)(_support)
