"""DES (FIPS 46-3), for the challenges of VNC and NTLM version 1 alone: nothing else may use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_INITIAL: Final = [r - c for r in (58, 60, 62, 64, 57, 59, 61, 63) for c in range(0, 64, 8)]
_FINAL: Final = [r - c for c in range(8) for r in (40, 8, 48, 16, 56, 24, 64, 32)]
_EXPANSION: Final = [(4 * r + c - 1) % 32 + 1 for r in range(8) for c in range(6)]
_PERMUTED: Final = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
]  # fmt: skip
_CHOICE_1: Final = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44,
    36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20,
    12, 4,
]  # fmt: skip
_CHOICE_2: Final = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
]  # fmt: skip
_SHIFTS: Final = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
_BOXES: Final = [
    [int(digit, 16) for digit in box]
    for box in (
        "E4D12FB83A6C5907" "0F74E2D1A6CB9538" "41E8D62BFC973A50" "FC8249175B3EA06D",
        "F18E6B34972DC05A" "3D47F28EC01A69B5" "0E7BA4D158C6932F" "D8A13F42B67C05E9",
        "A09E63F51DC7B428" "D709346A285ECBF1" "D6498F30B12C5AE7" "1AD069874FE3B52C",
        "7DE3069A1285BC4F" "D8B56F03472C1AE9" "A690CB7DF13E5284" "3F06A1D8945BC72E",
        "2C417AB6853FD0E9" "EB2C47D150FA3986" "421BAD78F9C5630E" "B8C71E2D6F09A453",
        "C1AF92680D34E75B" "AF427C9561DE0B38" "9EF528C3704A1DB6" "432C95FABE17608D",
        "4B2EF08D3C975A61" "D0B7491AE35C2F86" "14BDC37EAF680592" "6BD814A7950FE23C",
        "D2846FB1A93E50C7" "1FD8A374C56B0E92" "7B419CE206ADF358" "21E74A8DFC90356B",
    )
]  # fmt: skip


def encrypted(key: bytes, block: bytes) -> bytes:
    """The 8 bytes of `block` under the 8 bytes of `key`, whose lowest bits do not count."""
    bits = _chosen(_bits(block), _INITIAL)
    left, right = bits[:32], bits[32:]
    for round_key in _round_keys(key):
        mixed = [a ^ b for a, b in zip(_chosen(right, _EXPANSION), round_key, strict=True)]
        found: list[int] = []
        for number, box in enumerate(_BOXES):
            a, b, c, d, e, f = mixed[6 * number : 6 * number + 6]
            value = box[(a << 1 | f) << 4 | b << 3 | c << 2 | d << 1 | e]
            found += [value >> 3 & 1, value >> 2 & 1, value >> 1 & 1, value & 1]
        left, right = right, [a ^ b for a, b in zip(left, _chosen(found, _PERMUTED), strict=True)]
    out = _chosen(right + left, _FINAL)
    return int("".join(map(str, out)), 2).to_bytes(8, "big")


def _round_keys(key: bytes) -> list[list[int]]:
    bits = _chosen(_bits(key), _CHOICE_1)
    c, d = bits[:28], bits[28:]
    keys = []
    for shift in _SHIFTS:
        c, d = c[shift:] + c[:shift], d[shift:] + d[:shift]
        keys.append(_chosen(c + d, _CHOICE_2))
    return keys


def _bits(data: bytes) -> list[int]:
    return [byte >> place & 1 for byte in data for place in range(7, -1, -1)]


def _chosen(bits: Sequence[int], places: Sequence[int]) -> list[int]:
    return [bits[place - 1] for place in places]
