"""Elements of BER (ITU-T X.690, 8.1), as SNMP and LDAP write them."""

from __future__ import annotations


def element(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """Tag, begin and end of the contents of the element at `at`; None where it does not lie in the data as
    a whole, or its length is of a form that these protocols do not use."""
    if at + 2 > len(data):
        return None
    length, begin = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or begin + size > len(data):
            return None
        length, begin = int.from_bytes(data[begin : begin + size], "big"), begin + size
    return (data[at], begin, begin + length) if begin + length <= len(data) else None
