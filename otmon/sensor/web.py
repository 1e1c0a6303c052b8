"""Who may read the metrics: a file as Prometheus's exporters have it (web configuration, version of
exporter-toolkit), with a certificate and users.

    tls_server_config:
      cert_file: sensor.pem
      key_file: sensor.key
    basic_auth_users:
      prometheus: $2y$10$...

Paths are relative to the file. Passwords are hashes of bcrypt, as `htpasswd -nBC 10 ""` prints them. They are
compared by the system's libcrypt (libxcrypt, crypt(5)): no Python package is needed. What the sensor does not
know in the file is an error, since it may have been meant to protect something.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from otmon.sentence import Complaint, placed, sentence

_HASH: Final = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_HIGHEST_COST: Final = 15
"""A comparison takes seconds beyond that, and everybody can ask for one."""
_REMEMBERED: Final = 64
_NOBODY: Final = "$2b$10$" + "." * 53
"""Compared with where there is no such user, which must take as long."""

Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]


class WebError(Complaint):
    """A file that cannot be used: which, and why."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Who may read the metrics, and by which certificate they are served."""

    certificate: str | None
    key: str | None
    users: dict[str, str]
    """Hashes by name; empty for everybody."""


def read_web_config(path: Path) -> WebConfig:
    """Read a file of `--web-config`. Raises WebError."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise WebError(placed(path, getattr(error, "strerror", None) or str(error))) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # What it says shows the line, and that may be a password.
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise WebError(placed(path, sentence("line {line} cannot be read as YAML", line=line))) from None
    _known(path, told, "", {"tls_server_config", "basic_auth_users"})
    tls = told.get("tls_server_config") or {}
    _known(path, tls, "tls_server_config", {"cert_file", "key_file"})
    if tls and set(tls) != {"cert_file", "key_file"}:
        raise WebError(
            placed(f"{path}: tls_server_config", sentence("cert_file and key_file belong together"))
        )
    files = {name: _text(path, name, value) for name, value in tls.items()}
    users = told.get("basic_auth_users") or {}
    _known(path, users, "basic_auth_users", None)
    for name, value in users.items():
        if not isinstance(name, str) or not name or ":" in name:
            what = sentence("{name} is no name", name=repr(name))
            raise WebError(placed(f"{path}: basic_auth_users", what))
        if not isinstance(value, str) or not _HASH.fullmatch(value) or int(value[4:6]) > _HIGHEST_COST:
            # The text may be a password that somebody forgot to hash.
            what = sentence("no hash of bcrypt of cost {most} or less", most=_HIGHEST_COST)
            raise WebError(placed(f"{path}: basic_auth_users: {name}", what))
    if users:
        try:
            _crypt(b"", _NOBODY)
        except OSError as error:
            what = sentence("libcrypt with bcrypt is not on this machine")
            raise WebError(placed(f"{path}: basic_auth_users", what)) from error
    folder = path.parent
    return WebConfig(
        str(folder / files["cert_file"]) if files else None,
        str(folder / files["key_file"]) if files else None,
        dict(users),
    )


def _known(path: Path, value: Any, place: str, names: set[str] | None) -> None:
    where = f"{path}: {place}" if place else str(path)
    if not isinstance(value, dict):
        raise WebError(placed(where, sentence("names with values are wanted")))
    for name in value:
        if names is not None and name not in names:
            what = sentence(
                "{name} is not known here; known are {names}", name=repr(name), names=tuple(sorted(names))
            )
            raise WebError(placed(where, what))


def _text(path: Path, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        what = sentence("a file's name is wanted")
        raise WebError(placed(f"{path}: tls_server_config: {name}", what))
    return value


def guarded(application: Application, users: dict[str, str]) -> Application:
    """The application for those who give a name and its password (RFC 7617); for all where there are no
    users. Password that were right are remembered by a keyed digest, so that a scrape costs no bcrypt."""
    if not users:
        return application
    key = secrets.token_bytes(32)
    right: dict[bytes, None] = {}
    # One comparison at a time: whoever guesses may not take all cores.
    one = threading.Lock()

    def may_read(name: str, password: bytes) -> bool:
        said = hmac.digest(key, name.encode() + b"\0" + password, hashlib.sha256)
        if said in right:
            return True
        with one:
            known = users.get(name, _NOBODY)
            matches = hmac.compare_digest(_crypt(password, known), known) and name in users
            if matches:
                if len(right) >= _REMEMBERED:
                    right.clear()
                right[said] = None
            return matches

    def answer(asked: dict[str, Any], start: Start) -> Iterable[bytes]:
        given = _given(str(asked.get("HTTP_AUTHORIZATION", "")))
        if given is not None and may_read(*given):
            return application(asked, start)
        start(
            "401 Unauthorized", [("WWW-Authenticate", 'Basic realm="otmon"'), ("Content-Type", "text/plain")]
        )
        return [b"401 Unauthorized\n"]

    return answer


def _given(header: str) -> tuple[str, bytes] | None:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon and b"\0" not in password else None
    except ValueError:
        return None


def _crypt(password: bytes, setting: str) -> str:
    """Raises OSError where the library or the method is not there."""
    library = ctypes.CDLL("libcrypt.so.1")
    room = ctypes.create_string_buffer(1 << 15)
    library.crypt_rn.restype = ctypes.c_char_p
    library.crypt_rn.argtypes = ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int
    made = library.crypt_rn(password, setting.encode(), room, len(room))
    if made is None:
        raise OSError("crypt_rn")
    return bytes(made).decode()
