"""Inside the machine: adapters as devices of its kernel, one collection, and what came of it as a line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from sosmlx.bundle.read import read_bundle
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.firmware_state import FIRMWARE_STATE
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.registers import REGISTERS
from sosmlx.fwctl.allowed import refusal
from sosmlx.record import Record
from sosmlx.simulator.adapter import adapter
from sosmlx.simulator.host import ScenarioSource, load
from tests.realism.cuse import Device
from tests.shim.sysfs import nodes, tree

HOST = "two-adapters-before"
HERE = Path("/mnt")
MARK = "REALISM "
PATIENCE = 20.0


def main() -> None:
    """Serve, collect, and tell."""
    host = load(HOST)
    devices = [Device(f"fwctl/fwctl{number}", adapter(body, 0, strict=False)) for number, body in nodes(host).items()]
    _wait([Path("/dev") / device.name for device in devices])
    lockdown = Path("/sys/kernel/security/lockdown").read_text(encoding="ascii").strip()
    tree(HERE / "sys", host)
    (HERE / "sys/kernel/security/lockdown").write_text(f"{lockdown}\n", encoding="ascii")
    subprocess.run(["mount", "--bind", HERE / "sys", "/sys"], check=True)
    began = time.monotonic()
    words = [sys.executable, "-m", "sosmlx", "collect", "-o", os.fspath(HERE / "out"), "--format", "dir", "--quiet"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    records = list(read_bundle(ran.stdout.splitlines()[-1]).records) if ran.stdout else []
    requests = [request for device in devices for request in device.nic.requests]
    simulated = Engine(ScenarioSource(host)).collect((FWCTL, FIRMWARE_STATE, REGISTERS))
    said = {
        "kernel": os.uname().release, "lockdown": lockdown, "exit": ran.returncode, "words": ran.stderr[-2000:],
        "seconds": round(seconds, 1), "commands": len(requests), "scopes": sorted({scope for scope, _ in requests}),
        "outside": [why for _, request in requests if (why := refusal(request))],
        "outcomes": Counter(record.outcome.value for record in records if record.register or record.mailbox),
        "same": _answers(records) == _answers(simulated), "taint": max(device.nic.taint for device in devices),
    }  # fmt: skip
    sys.stdout.write(f"\n{MARK}{json.dumps(said)}\n")


def _wait(paths: list[Path]) -> None:
    until = time.monotonic() + PATIENCE
    while not all(path.exists() for path in paths):
        if time.monotonic() > until:
            raise SystemExit(f"no {' and '.join(map(str, paths))} within {PATIENCE:g} s")
        time.sleep(0.05)


def _answers(records: list[Record]) -> dict[tuple[str, ...], tuple[str, bytes]]:
    return {row.target: (row.outcome.value, row.data) for row in records if row.register or row.mailbox}


if __name__ == "__main__":
    main()
