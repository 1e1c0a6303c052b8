"""Packet filters in the words of libpcap, compiled by libpcap itself where it is installed."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Final

from otmon.capture.ring import linktype_of
from otmon.sentence import Complaint, sentence

SNAP_LENGTH: Final = 262_144
_LINKTYPE_TO_DLT: Final = {1: 1, 101: 12}
"""LINKTYPE_ number: the number that libpcap uses for it here (DLT_EN10MB, DLT_RAW)."""


class FilterError(Complaint):
    """A filter that libpcap does not understand, or no libpcap."""


class _Program(ctypes.Structure):
    """struct bpf_program of libpcap."""

    _fields_ = [("length", ctypes.c_uint), ("instructions", ctypes.c_void_p)]


def compile_filter(text: str, interface: str) -> bytes:
    """The instructions, 8 bytes each, for packets of `interface`.

    Linux takes VLAN tags out of frames before a filter sees them: tagged and untagged packets are the
    same to it, so the word ``vlan`` is refused. Raises FilterError and RingError.
    """
    if "vlan" in text.split():
        raise FilterError(sentence("filters see packets without their VLAN tags: leave out the word vlan"))
    name = ctypes.util.find_library("pcap")
    if name is None:
        raise FilterError(sentence("filters need libpcap (Debian: apt-get install libpcap0.8)"))
    pcap = ctypes.CDLL(name)
    pcap.pcap_open_dead.restype = ctypes.c_void_p
    pcap.pcap_geterr.restype = ctypes.c_char_p
    pcap.pcap_geterr.argtypes = [ctypes.c_void_p]
    pcap.pcap_close.argtypes = [ctypes.c_void_p]
    pcap.pcap_compile.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(_Program),
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_uint32,
    ]
    handle = pcap.pcap_open_dead(_LINKTYPE_TO_DLT[linktype_of(interface)], SNAP_LENGTH)
    program = _Program()
    try:
        if pcap.pcap_compile(handle, ctypes.byref(program), text.encode(), 1, 0xFFFFFFFF):
            why = pcap.pcap_geterr(handle).decode(errors="replace")
            raise FilterError(sentence("filter {text}: {why}", text=repr(text), why=why))
        code = ctypes.string_at(program.instructions, 8 * program.length)
        pcap.pcap_freecode(ctypes.byref(program))
        return code
    finally:
        pcap.pcap_close(handle)
