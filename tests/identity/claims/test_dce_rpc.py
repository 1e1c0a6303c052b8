"""NTLM in the binding of DCE/RPC."""

from __future__ import annotations

from tests.identity.claims.messages import XP, XP_CHALLENGE, XP_CHALLENGE_TOLD, ntlm, said, wide
from tests.identity.talk import dce_rpc


def test_both_sides_name_themselves_and_not_who_logs_in() -> None:
    response = ntlm(3, [b"", b"", wide("PLANT"), wide("operator"), wide("ENG-7"), b""], 0x02000001, XP)
    told = said("dce_rpc", ("s", dce_rpc(12, XP_CHALLENGE)), ("c", dce_rpc(16, response)))
    assert set(told) == {*XP_CHALLENGE_TOLD, ("name", "ENG-7")}
    assert said("dce_rpc", ("c", dce_rpc(0, bytes(8)))) == []
    for size in range(len(response)):
        assert {kind for kind, _ in said("dce_rpc", ("c", dce_rpc(16, response[:size])))} <= {
            "name",
            "system",
        }
