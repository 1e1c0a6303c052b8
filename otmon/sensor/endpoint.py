"""The server of the metrics, which nobody can keep from the others.

What the standard library brings for WSGI is enough for one small page, but lets a client wait, and others
with it, for as long as it likes, and send as much. Here a connection has so many seconds altogether, from
the handshake of TLS to the last byte of the answer, and a request so many bytes. Where as many connections
are open as may be, the one that has waited longest without a whole request gives way: a client that asks at
once is answered, however many others say nothing. Everything that a client sends is read in a thread of its
own; the one that accepts waits for none.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.client import LineTooLong
from socketserver import ThreadingMixIn
from typing import IO, Any, Final, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

CONNECTIONS: Final = 32
"""At once: Prometheus needs one, and each has a thread."""
ANSWER_S: Final = 20.0
"""For a connection altogether; Prometheus gives up after ten seconds unless told otherwise."""
REQUEST_BYTES: Final = 16 << 10
"""Of a request's line and headers; Prometheus sends some three hundred."""
_LOOK_S: Final = 0.5


class Endpoint(ThreadingMixIn, WSGIServer):
    """An address that is listened on from the start, and answered at once `serve` is called."""

    daemon_threads = True
    # Those who come at once wait here, until they are accepted.
    request_queue_size = 128

    def __init__(
        self,
        place: tuple[str, int],
        certificate: str | None = None,
        key: str | None = None,
        *,
        connections: int = CONNECTIONS,
        answer_s: float = ANSWER_S,
    ) -> None:
        """`certificate` and `key` are names of files, for TLS. Raises OSError."""
        (self.address_family, _, _, _, address), *_ = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, key)
        self._connections = connections
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._waiting: dict[socket.socket, float] = {}
        """Until when connections that have not asked yet may; the one that came first is first."""
        self._asked: dict[socket.socket, float] = {}
        """The same of those that have, and are answered."""
        super().__init__((str(address[0]), place[1]), _Request)

    def server_bind(self) -> None:
        # Not that of HTTPServer, which looks the host's name up.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        name, self.server_port = self.server_address[:2]
        self.server_name = str(name)
        self.setup_environ()

    def serve(self, application: Application) -> None:
        """Answer by the application from now on, in a thread."""
        self.set_app(application)
        threading.Thread(target=self.serve_forever, args=(_LOOK_S,), name="metrics", daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        taken, address = self.socket.accept()
        try:
            taken.settimeout(self._answer_s)
            if self._context is not None:
                # The handshake is the client's affair: its thread's.
                taken = self._context.wrap_socket(taken, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            taken.close()
            raise OSError(str(error)) from error
        with self._lock:
            if len(self._waiting) + len(self._asked) >= self._connections:
                self._end(next(iter(self._waiting or self._asked)))
            self._waiting[taken] = time.monotonic() + self._answer_s
        return taken, address

    def service_actions(self) -> None:
        now = time.monotonic()
        with self._lock:
            for one, until in (*self._waiting.items(), *self._asked.items()):
                if now > until:
                    self._end(one)

    def has_asked(self, one: socket.socket) -> None:
        """The connection's request is there, and was not too long."""
        with self._lock:
            if one in self._waiting:
                self._asked[one] = self._waiting.pop(one)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off, or speaks nonsense, is nothing to tell of."""

    def _end(self, one: socket.socket) -> None:
        """Wake the connection's thread, which closes it."""
        self._forget(one)
        with suppress(OSError):
            # Not that of SSL, which the thread is in.
            socket.socket.shutdown(one, socket.SHUT_RDWR)

    def _forget(self, one: socket.socket) -> None:
        self._waiting.pop(one, None)
        self._asked.pop(one, None)


def one_at_a_time(application: Application) -> Application:
    """The application, which takes one processor at most."""
    one = threading.Lock()

    def answer(asked: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with one:
            return application(asked, start)

    return answer


class _Lines:
    """The lines of a request, no more than `REQUEST_BYTES` of them."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = REQUEST_BYTES

    def readline(self, size: int) -> bytes:
        line: bytes = self._file.readline(min(size, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise LineTooLong("request")
        return line


class _Answer(ServerHandler):
    server_software = "otmon"
    request_handler: WSGIRequestHandler


class _Request(WSGIRequestHandler):
    """The one request of a connection."""

    server: Endpoint
    server_version, sys_version = "otmon", ""

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def handle(self) -> None:
        lines: Any = _Lines(self.rfile)
        self.rfile = lines
        self.raw_requestline = lines.readline(REQUEST_BYTES)
        if not self.parse_request():
            return
        self.server.has_asked(self.request)
        # What a client makes of its side is nothing to tell of.
        answer = _Answer(io.BytesIO(), cast(IO[bytes], self.wfile), io.StringIO(), self.get_environ())
        answer.request_handler = self
        if (application := self.server.get_app()) is not None:
            answer.run(application)

    def log_message(self, format: str, *args: Any) -> None:
        """Prometheus asks every fifteen seconds."""
