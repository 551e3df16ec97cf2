"""The part of sysfs that says what adapters there are, as files and links below a folder, to be mounted at /sys."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from tests.shim import MAJOR

Body = Mapping[str, object]


def tree(root: Path, scenario: Body) -> None:
    """Write what sysfs shows for the functions and modules of a scenario (docs/scenarios.md)."""
    _write(root / "kernel/security/lockdown", "[none] integrity confidentiality")
    for name, body in _body(_body(scenario.get("host")).get("modules")).items():
        for attribute, value in {"initstate": "live", "taint": "", **_body(body)}.items():
            _write(root / f"module/{name}/{attribute}", value)
    for folder in ("bus/pci/devices", "class/net"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for bdf, body in _body(scenario.get("functions")).items():
        _function(root, bdf, _body(body))


def nodes(scenario: Body) -> dict[int, Body]:
    """Map the number of each fwctl node of a scenario to the function that it belongs to."""
    bodies = [_body(body) for body in _body(scenario.get("functions")).values()]
    return {_minor(body): body for body in bodies if "fwctl" in body}


def _minor(body: Body) -> int:
    return int(re.sub(r"\D", "", str(body["fwctl"])))


def _function(root: Path, bdf: str, body: Body) -> None:
    """One PCI function below a bridge of its own; buses and classes hold links to it, as the kernel makes them."""
    bridge = f"{bdf[:5]}{int(bdf[5:7], 16) - 1:02x}"
    here = root / f"devices/pci{bridge}/{bridge}:00.0/{bdf}"
    for name, value in {"vendor": "0x15b3", **_body(body.get("pci"))}.items():
        _write(here / name, value)
    _link(root / f"bus/pci/devices/{bdf}", here)
    if "driver" in body:
        driver = root / f"bus/pci/drivers/{body['driver']}"
        driver.mkdir(parents=True, exist_ok=True)
        _link(here / "driver", driver)
        _link(driver / bdf, here)
    if "iommu_group" in body:
        group = root / f"kernel/iommu_groups/{body['iommu_group']}"
        _link(group / f"devices/{bdf}", here)
        _link(here / "iommu_group", group)
    for name, netdev in _body(body.get("netdevs")).items():
        _device(root, here, "net", name, _body(_body(netdev).get("sysfs")))
    for name, rdma in _body(body.get("rdma")).items():
        attributes = {attribute: value for attribute, value in _body(rdma).items() if attribute != "ports"}
        for port, values in _body(_body(rdma).get("ports")).items():
            attributes |= {f"ports/{port}/{attribute}": value for attribute, value in _body(values).items()}
        _device(root, here, "infiniband", name, attributes)
    if "fwctl" in body:
        node, minor = str(body["fwctl"]), _minor(body)
        uevent = f"MAJOR={MAJOR}\nMINOR={minor}\nDEVNAME=fwctl/{node}"
        _device(root, here, "fwctl", node, {"dev": f"{MAJOR}:{minor}", "uevent": uevent})


def _device(root: Path, parent: Path, kind: str, name: str, attributes: Body) -> None:
    """A device of a class: a folder below its parent, a link in its class, a link back."""
    here = parent / kind / name
    for attribute, value in attributes.items():
        _write(here / attribute, value)
    _link(here / "device", parent)
    _link(root / f"class/{kind}/{name}", here)
    _link(here / "subsystem", root / f"class/{kind}")


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value}\n", encoding="utf-8")


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def _body(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
