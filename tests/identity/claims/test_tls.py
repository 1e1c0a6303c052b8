"""Both sides of a connection that Python's TLS makes, and one whose beginning was not seen."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.identity.claims.messages import MESSAGES, said
from tests.identity.talk import Turn


def _talk(folder: Path, version: ssl.TLSVersion) -> list[Turn]:
    key, certificate = str(folder / "key"), str(folder / "certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-subj", "/O=Example Panels/CN=hmi-7", "-addext", "subjectAltName=DNS:hmi-7.example"],
        capture_output=True, check=True,
    )  # fmt: skip
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    serving.maximum_version = version
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server, server_hostname="hmi-7.example")
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    turns: list[Turn] = []
    left: list[ssl.SSLObject] = [client, server]
    for _ in range(4):
        for one in list(left):
            try:
                one.do_handshake()
                left.remove(one)
            except ssl.SSLWantReadError:
                pass
            pipe = to_server if one is client else to_client
            data = pipe.read()
            if data:
                turns.append(("c" if one is client else "s", data))
                pipe.write(data)
    assert left == []
    return turns


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl (Debian: apt-get install openssl)")
def test_version_1_2_shows_the_certificate_and_1_3_only_whom_the_client_asks_for(tmp_path: Path) -> None:
    called = [("called", "hmi-7.example")]
    assert said("tls", *_talk(tmp_path, ssl.TLSVersion.TLSv1_3)) == called
    assert said("tls", *_talk(tmp_path, ssl.TLSVersion.TLSv1_2)) == [
        *called,
        ("name", "hmi-7"),
        ("name", "hmi-7.example"),
        ("certificate", "CN=hmi-7, O=Example Panels, issued by itself"),
    ]


def test_a_connection_without_its_beginning_says_nothing() -> None:
    turns = MESSAGES["tls"][0]
    assert said("tls", *((who, b"\x17\3\3\0\1x" + data) for who, data in turns)) == []
