"""The packet path, compiled once for each machine and version, in a process of its own: compiling takes some
400 MB, which a sensor would hold for months and a replay for all of its input."""

from __future__ import annotations

import gc
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from otmon.cli.options import warn
from otmon.sentence import sentence

_FRAME = bytes(60)
_PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_PCAP += struct.pack("<IIII", 1, 0, len(_FRAME), len(_FRAME)) + _FRAME
"""One packet (draft-ietf-opsawg-pcap, sections 4 and 5)."""


_READING = "pcapng.walk"
_LISTENING = "endings.end_idle"
"""The last kernels that `compile_here` compiles of reading captures, and of the sensor."""


def be_compiled(*, sensor: bool = False) -> None:
    """Have what reads captures compiled, with `sensor` everything, where no earlier run left it. What fails
    there is done, or fails, where it is used."""
    if _announced(sensor):
        program = f"from otmon.cli.compilation import compile_here; compile_here(sensor={sensor})"
        command = [sys.executable, "-c", program]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _announced(sensor: bool) -> bool:
    """Whether there is something to compile; it is said then."""
    from otmon.kernel import forget_old_caches, is_compiled

    if is_compiled(_READING) and (not sensor or is_compiled(_LISTENING)):
        return False
    warn(sentence("compiling the packet path for this machine, once: about half a minute"))
    forget_old_caches()
    return True


def compile_here(*, sensor: bool = True) -> None:
    """Compile or load the kernels that read captures, and those of the sensor."""
    _announced(sensor)
    # A compiler keeps nearly all that it makes.
    gc.disable()
    try:
        _compile_reading()
        if sensor:
            _compile_sensor()
    finally:
        gc.enable()


def _compile_reading() -> None:
    from otmon.engine import replay
    from otmon.outputs.pcapng import pcapng

    captures = {
        "one.pcap": _PCAP,
        "one.pcapng": pcapng([(1_000_000_000, _FRAME)], "otmon", "none", "nowhere"),
    }
    with tempfile.TemporaryDirectory(prefix="otmon-") as folder:
        for name, octets in captures.items():
            path = Path(folder, name)
            path.write_bytes(octets)
            replay([str(path)])


def _compile_sensor() -> None:
    from otmon.sensor.observer import compile_kernels
    from otmon.sensor.recent_packets import compile_cut

    compile_cut()
    compile_kernels()
