"""Servers for the clients of Python's standard library: a line is answered by the first pattern that fits."""

from __future__ import annotations

import hashlib
import re
import socketserver
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Script = Sequence[tuple[bytes, bytes | Callable[[re.Match[bytes]], bytes]]]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _running(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def lines(greeting: bytes, script: Script) -> Iterator[int]:
    """A server of lines; the port that it listens on."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(greeting)
            for line in self.rfile:
                answers = ((re.match(form, line.strip(), re.I), answer) for form, answer in script)
                found = next(((match, answer) for match, answer in answers if match), None)
                if found is not None:
                    match, answer = found
                    self.wfile.write(answer(match) if callable(answer) else answer)

    with _Server(("127.0.0.1", 0), Handler) as server:
        yield from _running(server)


@contextmanager
def web(user: str, password: str, scheme: str) -> Iterator[int]:
    """A page behind a password, by Basic or by Digest."""

    def fits(given: str, method: str) -> bool:
        if scheme == "Basic":
            return b64decode(given.partition(" ")[2]).decode() == f"{user}:{password}"
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        key = hashlib.md5(f"{user}:x:{password}".encode()).hexdigest()
        target = hashlib.md5(f"{method}:{said['uri']}".encode()).hexdigest()
        whole = ":".join((key, said["nonce"], said["nc"], said["cnonce"], said["qop"], target))
        return said["response"] == hashlib.md5(whole.encode()).hexdigest()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            good = given.startswith(scheme) and fits(given, "GET")
            self.send_response(200 if good else 401)
            if not good:
                more = ', qop="auth", nonce="abc123"' if scheme == "Digest" else ""
                self.send_header("WWW-Authenticate", f'{scheme} realm="x"{more}')
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        yield from _running(server)
