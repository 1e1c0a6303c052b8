"""`make demo`: replay a factory day against its zone model, and say where the results are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CAPTURE, MODEL = "pcaps/factory-day.pcapng", "zones/factory.yaml"


def demo(folder: str) -> int:
    """Run the installed command as a user would; findings are what it should have."""
    findings, ledger = f"{folder}/findings.jsonl", f"{folder}/plant.db"
    command = ["otmon", "replay", CAPTURE, "--zones", MODEL, "--json", findings, "--ledger", ledger]
    print("$", *command, flush=True)
    program = Path(sys.executable).with_name(command[0])
    status = subprocess.run([program, *command[1:]], cwd=ROOT, check=False).returncode
    if status != 1:
        return status or 1
    print("Every finding, for programs:", findings)
    print("The facts, to be checked again without packets:", ledger)
    print(f"  {program.parent.relative_to(ROOT)}/otmon check --ledger {ledger} --zones {MODEL}")
    print("In Japanese: the same with --lang ja")
    return 0


if __name__ == "__main__":
    raise SystemExit(demo(sys.argv[1]))
