"""Names in certificates, whole, cut off and wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from otmon.identity.claims.certificate import first_of, is_host, told_in
from tests.identity.claims.messages import PANEL, shown_certificate, x509, x509_name


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl (Debian: apt-get install openssl)")
def test_a_certificate_of_openssl(tmp_path: Path) -> None:
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-outform", "DER", "-keyout",
         str(tmp_path / "key"), "-subj", "/C=JP/O=Beispiel Ümläut/OU=Line 1/CN=gw-1.plant.example", "-utf8",
         "-addext", "subjectAltName=DNS:gw-1,DNS:*.plant.example,IP:10.2.0.9,DNS:gw-1.example"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    whole = [
        ("name", "gw-1.plant.example"),
        ("name", "gw-1"),
        ("name", "gw-1.example"),
        ("certificate", "CN=gw-1.plant.example, O=Beispiel Ümläut, issued by itself"),
    ]
    assert list(told_in(made)) == whole
    for size in range(len(made)):
        assert all(one in whole for one in told_in(made[:size]))
    # The names stand in its first 700 bytes or so; the signature is not read.
    assert list(told_in(made[: len(made) - 200])) == whole


def test_what_is_no_host_is_no_name() -> None:
    hosts = ("hmi-7", "hmi_7", "a.b.example", "xn--bcher-kva.example.", "plc1")
    assert [one for one in hosts if not is_host(one)] == []
    others = ("", "10.2.0.9", "*.plant.example", "Line 1", "a..b", "::1", "4711", "x" * 64, "a/b")
    assert [one for one in others if is_host(one)] == []
    told = list(told_in(x509(x509_name(b"10.2.0.9"), x509_name(b"Some Root"))))
    assert told == [("certificate", "CN=10.2.0.9, issued by CN=Some Root")]


def test_names_of_other_codings_and_versions() -> None:
    name = x509_name("表示器".encode("utf-16-be"), tag=0x1E)
    assert list(told_in(x509(name, name, version=False))) == [("certificate", "CN=表示器, issued by itself")]
    assert list(told_in(x509(b"\x30\0", x509_name(b"Root")))) == []
    many = x509(x509_name(b"a"), x509_name(b"a"), *(b"h%d" % one for one in range(200)))
    assert len(list(told_in(many))) == 1 + 64 + 1


def test_the_first_certificate_of_a_chain() -> None:
    chain = shown_certificate(PANEL, b"other")[4:]
    assert first_of(chain) == PANEL
    assert first_of(chain[:200]) == PANEL[:194]
    assert first_of(b"") == first_of(bytes(6)) == b""
