"""Who may read the metrics is who the file says, and a file that is not understood protects nobody."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from otmon.sensor.web import WebError, guarded, read_web_config

HASH = "$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
"""Of "secret", by libxcrypt 4.4."""
USERS = f"basic_auth_users:\n  reader: {HASH}\n"


def read(folder: Path, text: str) -> object:
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    return read_web_config(path)


def status(users: dict[str, str], *headers: str) -> list[str]:
    told: list[str] = []

    def application(asked: object, start: object) -> list[bytes]:
        start("200 OK", [])  # type: ignore[operator]
        return [b"metrics"]

    answer = guarded(application, users)
    for header in headers:
        list(answer({"HTTP_AUTHORIZATION": header} if header else {}, lambda line, _: told.append(line[:3])))
    return told


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_whole_file(tmp_path: Path) -> None:
    found = read(tmp_path, "tls_server_config:\n  cert_file: a.pem\n  key_file: /k/b.pem\n" + USERS)
    assert found.certificate == str(tmp_path / "a.pem") and found.key == "/k/b.pem"
    assert found.users == {"reader": HASH}
    empty = read(tmp_path, "")
    assert (empty.certificate, empty.key, empty.users) == (None, None, {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tls_server_config:\n  cert_file: a.pem\n", "belong together"),
        (
            "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n",
            "'client_auth_type' is not known",
        ),
        ("http_server_config:\n  http2: true\n", "'http_server_config' is not known"),
        ("basic_auth_users:\n  reader: secret\n", "no hash of bcrypt"),
        (f"basic_auth_users:\n  reader: {HASH.replace('$10$', '$31$')}\n", "no hash of bcrypt"),
        (f"basic_auth_users:\n  'a:b': {HASH}\n", "no name"),
        ("basic_auth_users: [reader]\n", "names with values"),
        ("- list\n", "names with values"),
        ("a: [\n", "line 2 cannot be read as YAML"),
        ("basic_auth_users:\n  reader: 'secret\n", "line 3 cannot be read"),
        ("basic_auth_users:\n  reader: my: secret\n", "line 2 cannot be read"),
        ("basic_auth_users:\n  reader: *secret\n", "line 2 cannot be read"),
        ("a: " + "[" * 5000, "cannot be read"),
        ("tls_server_config:\n  cert_file: 1\n  key_file: b\n", "a file's name"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(WebError, match=reason) as refused:
        read(tmp_path, text)
    assert "web.yml" in str(refused.value) and "secret" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WebError, match=r"none\.yml"):
        read_web_config(tmp_path / "none.yml")


def test_the_right_password_alone_opens() -> None:
    right, wrong = basic("reader:secret"), basic("reader:Secret")
    tried = [right, wrong, right, basic("other:secret"), basic("reader:"), basic("reader"), "", "Bearer x",
             "Basic %%%", "Basic /w==", basic("reader:secret\0x")]  # fmt: skip
    assert status({"reader": HASH}, *tried) == ["200", "401", "200"] + ["401"] * 8
    assert status({}, "") == ["200"]
