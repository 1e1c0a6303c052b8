from __future__ import annotations

from hashlib import md5

from tests.identity.talk import Turn, log_ins, proof


def test_a_telephone_registers() -> None:
    key, target = md5(b"bob:biloxi:1234").hexdigest(), md5(b"REGISTER:sip:biloxi").hexdigest()
    response = md5(f"{key}:n1:{target}".encode()).hexdigest()
    field = f'Digest username="bob", realm="biloxi", nonce="n1", uri="sip:biloxi", response="{response}"'
    request: Turn = (
        "c",
        f"REGISTER sip:biloxi SIP/2.0\r\nCSeq: 2 REGISTER\r\nAuthorization: {field}\r\n\r\n".encode(),
    )
    for status, outcome in (("200 OK", "accepted"), ("401 Unauthorized", "refused"), ("503 x", "unknown")):
        answer: Turn = (
            "s",
            f"SIP/2.0 100 Trying\r\n\r\nSIP/2.0 {status}\r\nCSeq: 2 REGISTER\r\n\r\n".encode(),
        )
        (one,) = log_ins("sip", request, answer)
        assert (one.account, one.outcome) == (b"bob", outcome)
        assert proof(one)(b"1234") and not proof(one)(b"12345")
