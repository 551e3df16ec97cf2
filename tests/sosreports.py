"""Sosreports as sos 4.12 lays them out, made from any bundle: where the files of a whole host stand around ours.

Layout facts (sos 4.12, `sos/report/__init__.py` and `sos/archive.py`): one top folder `sosreport-HOST-DATE-RAND`,
members sorted, `version.txt` of sos's own, `sos_commands/PLUGIN/`, `sos_logs/`, `sos_reports/manifest.json`; files of
the host at their own paths, among them links, large logs and empty folders.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

MODES: Mapping[str, Literal["w:xz", "w:gz", "w:"]] = {"xz": "w:xz", "gz": "w:gz", "": "w:"}
TOP = "sosreport-n07-2026-11-24-abcdefg"
OURS = "sos_commands/sosmlx"
HUGE = 65 << 20
"""More than a member of ours may have."""

AROUND: Mapping[str, bytes] = {
    "version.txt": b"sosreport: 4.12.0\n",
    "sos_commands/networking/ethtool_-k_eth0": b"Features for eth0:\n",
    "sos_commands/sosmlx/collect": b"sosmlx: 300 reads: 300 collected\n",
    "sos_logs/sos.log": b"2026-11-24 10:00:00,000 INFO: [sos_report:setup] executing 'sos report'\n",
    "sos_reports/sos.txt": b"\nsosmlx\n\n",
    "sos_reports/manifest.json": json.dumps({"version": "4.12.0", "components": {"report": {"plugins": {}}}}).encode(),
    "var/spool/sosreport-old/sos_commands/sosmlx/sosmlx/manifest.json": b"{}",
}


def unpacked(folder: Path, bundle: Path) -> Path:
    """Lay a sosreport out as a folder, from a bundle that is a folder."""
    top = folder / TOP
    ours = {f"{OURS}/{path.relative_to(bundle)}": path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    for name, data in {**AROUND, **ours}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    (top / "etc").mkdir()
    (top / "etc/resolv.conf").symlink_to("../run/resolv.conf")
    return top


def packed(folder: Path, bundle: Path, form: Literal["xz", "gz", ""] = "xz") -> Path:
    """Pack a sosreport as sos does, with a member before and one behind ours that are far beyond our limits."""
    target = folder / f"{TOP}.tar{f'.{form}' if form else ''}"
    with tarfile.open(target, MODES[form]) as tar:
        tar.add(unpacked(folder, bundle), TOP, recursive=False)
        _huge(tar, "boot/before")
        for path in sorted((folder / TOP).iterdir()):
            tar.add(path, f"{TOP}/{path.name}")
        _huge(tar, "var/log/behind")
    return target


def _huge(tar: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(f"{TOP}/{name}")
    info.size = HUGE
    tar.addfile(info, io.BytesIO(bytes(HUGE)))
