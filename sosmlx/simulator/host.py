"""A host that is only data: a scenario (JSON) as a Source. How to write one: `docs/scenarios.md`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import cast

from sosmlx.errors import InputError
from sosmlx.fwctl.nvconfig import shows
from sosmlx.jsonio import loads
from sosmlx.record import Access, Answer, Call, Outcome, target
from sosmlx.simulator import tools
from sosmlx.simulator.adapter import adapter, query_rows
from sosmlx.simulator.channel import NicChannel
from sosmlx.simulator.document import SCENARIO
from sosmlx.simulator.flash import Flash
from sosmlx.simulator.nic import Kernel, Nic
from sosmlx.sources.base import How
from sosmlx.sources.config_space import dumped, registers
from sosmlx.sources.firmware import Firmware
from sosmlx.sources.sweep import sweep

SCHEMA = "sosmlx.scenario/1"
MAX_EXTENDS = 8

Tree = dict[str, object]
_PCI = "/sys/bus/pci/devices"
_ABSENT = Answer(outcome=Outcome.ABSENT, reason="ENOENT: No such file or directory")


def scenarios() -> list[str]:
    """Name the scenarios in the package."""
    folder = resources.files("sosmlx.data") / "scenarios"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".json"))


def load(name: str) -> Tree:
    """Read a scenario by its name in the package or by the path of a JSON file, with what it extends.

    Raises InputError, naming the place of what is wrong.
    """
    found = _load(name, "", MAX_EXTENDS)
    for place, words in SCENARIO(found, ""):
        raise InputError(f"sim:{name}: {place}: {words}", "`sosmlx schema scenario` and docs/scenarios.md say how")
    return found


def _load(name: str, beside: str, left: int) -> Tree:
    if left == 0:
        raise InputError(f"sim:{name}: scenarios extend each other in a circle, or more than {MAX_EXTENDS} deep")
    path = os.path.join(beside, name)
    if name in scenarios():
        text = (resources.files("sosmlx.data") / "scenarios" / f"{name}.json").read_text(encoding="utf-8")
    elif name.endswith(".json") and os.path.isfile(path):
        text = _text(path)
    else:
        raise InputError(
            f"sim:{name}: no such scenario", f"known ones: {', '.join(scenarios())}; or the path of a JSON file"
        )
    found = loads(text, what=f"sim:{name}")
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise InputError(f'sim:{name}: not a scenario (its "schema" is not "{SCHEMA}")')
    base = found.get("extends")
    if not isinstance(base, str):
        return cast("Tree", found)
    del found["extends"]
    return cast("Tree", merge(_load(base, os.path.dirname(path), left - 1), found))


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(8 << 20)
    except OSError as error:
        raise InputError(f"sim:{path}: {error.strerror or error}") from None


def merge(target: object, patch: object) -> object:
    """Apply a JSON merge patch (RFC 7396): objects merge, null removes, anything else replaces.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}})
    {'a': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def _nics(functions: Mapping[str, object], kernel: Kernel) -> dict[str, Nic]:
    """Build the adapters of a host, by fwctl node: functions of one ASIC share its flash."""
    shared: dict[str, Flash] = {}
    found: dict[str, Nic] = {}
    for bdf, body in sorted(functions.items()):
        function = _object(body)
        if "fwctl" in function and bdf[-1:].isdigit():
            nic = adapter(function, int(bdf[-1]), flash=shared.get(bdf[:-2]), kernel=kernel)
            shared[bdf[:-2]] = nic.flash
            found[nic.node] = nic
    return found


def _folded(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Print an array as mstconfig does: one row that says how many elements there are, and not what they are."""
    for name, *views in rows:
        array, _, place = name.partition("[")
        if not place:
            yield name, views
        elif place == "0]":
            elements = sum(other.startswith(f"{array}[") for other, *_ in rows)
            yield array, [f"Array[0..{elements - 1}]"] * 3


class ScenarioSource:
    """A simulated host: its files are a tree in memory, its tools print what the scenario's devices hold."""

    kind = "sim"

    def __init__(self, scenario: Mapping[str, object], name: str = "scenario") -> None:
        self.path = f"sim:{name}"
        self._scenario = scenario
        self._files: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._folders: dict[str, list[str]] = {}
        self._faults = _objects(scenario.get("faults"))
        self._runs: Counter[tuple[str, ...]] = Counter()
        self._nodes: Counter[str] = Counter()
        self._kernel = Kernel()
        self.nics = _nics(_object(scenario.get("functions")), self._kernel)
        self._firmware = Firmware(lambda node: NicChannel(self.nics[node]))
        self._build()

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read from the tree, or meet the fault that the scenario plants there."""
        fault = self._fault(path)
        if fault:
            return fault
        if how == "values":
            return sweep(path, lambda each, kind: self.read(each, kind, deadline))
        if how == "config":
            return sweep(path, lambda each, kind: self._space(each, deadline), "config")
        if how == "link":
            return Answer(self._links[path].encode()) if path in self._links else _ABSENT
        if how == "names":
            names = self._folders.get(path)
            return _ABSENT if names is None else Answer("".join(f"{name}\n" for name in sorted(names)).encode())
        if path == _TAINT and path in self._files:
            return Answer(f"{int(self._files[path]) | self._kernel.taint}\n".encode())
        return Answer(self._files[path].encode()) if path in self._files else _ABSENT

    def _space(self, path: str, deadline: float) -> Answer:
        """Read the registers of a PCI configuration space, which a scenario gives as `lspci -xxxx` prints it."""
        answer = self.read(path, "bytes", deadline)
        if answer.outcome is not Outcome.COLLECTED:
            return answer
        try:
            return registers(dumped(answer.data.decode()))
        except ValueError:
            return Answer(outcome=Outcome.FAILED, reason=f"sim: {path}: not a dump of configuration space")

    def info(self, node: str, deadline: float) -> Answer:
        """Ask a simulated adapter's node who answers."""
        fault = self._fault(target((), f"/dev/fwctl/{node}", None)[-1])
        return fault or (self._firmware.info(node, deadline) if node in self.nics else _ABSENT)

    def register(self, access: Access, deadline: float) -> Answer:
        """Read a register of a simulated adapter."""
        fault = self._fault(str(access))
        return fault or (self._firmware.register(access, deadline) if access.node in self.nics else _ABSENT)

    def command(self, call: Call, deadline: float) -> Answer:
        """Ask a command of a simulated adapter."""
        fault = self._fault(str(call))
        return fault or (self._firmware.command(call, deadline) if call.node in self.nics else _ABSENT)

    def close(self) -> None:
        """Close the nodes of the simulated adapters."""
        self._firmware.close()

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Print what the tool would print on this host."""
        fault = self._fault(" ".join(argv))
        if fault:
            return fault
        versions = _object(self._scenario.get("tools"))
        if argv[0] != "dmesg" and argv[0] not in versions:
            return Answer(outcome=Outcome.ABSENT, reason=f"{argv[0]}: no such program")
        if argv[0] == "dmesg":
            log = _object(self._scenario.get("host")).get("log")
            lines = [str(line) for line in log] if isinstance(log, list) else []
            lines += self._kernel.log
            return Answer("".join(f"{line}\n" for line in lines).encode(), rc=0, tool="/usr/bin/dmesg")
        functions = self._printed() if argv[0] == "mstconfig" else _object(self._scenario.get("functions"))
        if argv[0] in ("modinfo", "ovs-vsctl"):
            return self._of_host(argv)
        nth = self._runs[tuple(argv)]
        self._runs[tuple(argv)] += 1
        return tools.run(argv, str(versions[argv[0]]), functions, nth)

    def _of_host(self, argv: Sequence[str]) -> Answer:
        """Print what modinfo says of a module, and what Open vSwitch was told."""
        host = _object(self._scenario.get("host"))
        if argv[0] == "ovs-vsctl":
            pairs = ", ".join(f'{name}="{value}"' for name, value in _object(host.get("ovs")).items())
            return Answer(f"{{{pairs}}}\n".encode(), rc=0, tool="/usr/bin/ovs-vsctl")
        body = _object(_object(host.get("modules")).get(argv[-1]))
        release = host.get("release")
        rows = {
            "filename": f"/lib/modules/{release}/kernel/{argv[-1]}.ko",
            "srcversion": body.get("installed", body.get("srcversion", "")),
            "intree": "Y",
            "name": argv[-1],
        }
        return Answer(
            "".join(f"{row + ':':<16}{value}\n" for row, value in rows.items()).encode(), rc=0, tool="/usr/sbin/modinfo"
        )

    def _printed(self) -> dict[str, object]:
        """Give mstconfig what it prints of each function: of one with firmware, all of its flash parameters."""
        functions = dict(_object(self._scenario.get("functions")))
        for bdf, body in functions.items():
            nic = self.nics.get(str(_object(body).get("fwctl")))
            if nic is not None:
                firmware = dict(_folded(query_rows(nic, shows)))
                functions[bdf] = {**_object(body), "flash": {**_object(_object(body).get("flash")), **firmware}}
        return functions

    def _fault(self, what: str) -> Answer | None:
        for fault in self._faults:
            if fault.get("read") == what:
                rc = fault.get("rc")
                return Answer(
                    data=str(fault.get("data", "")).encode(), outcome=Outcome(str(fault.get("outcome", "failed"))),
                    reason=str(fault.get("reason", "")), rc=rc if isinstance(rc, int) else None,
                    stderr=str(fault.get("stderr", "")).encode(),
                )  # fmt: skip
        return None

    def _build(self) -> None:
        host = _object(self._scenario.get("host"))
        for path, name in _HOST_FILES.items():
            if name in host:
                self._file(path, f"{host[name]}\n")
        if "lockdown" in host:
            levels = ("none", "integrity", "confidentiality")
            words = [f"[{level}]" if level == host["lockdown"] else level for level in levels]
            self._file("/sys/kernel/security/lockdown", " ".join(words) + "\n")
        release = _object(host.get("os_release"))
        self._file("/usr/lib/os-release", "".join(f'{name}="{value}"\n' for name, value in release.items()))
        modules = _object(host.get("modules"))
        rows = [f"{name} 16384 0 - Live 0x0000000000000000{_taint(body)}\n" for name, body in modules.items()]
        self._file("/proc/modules", "".join(rows))
        for name, body in modules.items():
            known = {key: value for key, value in _object(body).items() if key != "installed"}
            for attribute, value in {"initstate": "live", "taint": "", **known}.items():
                self._file(f"/sys/module/{name}/{attribute}", f"{value}\n")
        self._file("/proc/self/mounts", "sysfs /sys sysfs rw 0 0\n")
        self._folders.setdefault(_PCI, [])
        for bdf, body in _object(self._scenario.get("functions")).items():
            self._function(bdf, _object(body))
        for path, text in _object(self._scenario.get("files")).items():
            self._file(path, str(text))

    def _function(self, bdf: str, body: Mapping[str, object]) -> None:
        here = f"{_PCI}/{bdf}"
        for name, value in {"vendor": "0x15b3", **_object(body.get("pci"))}.items():
            self._file(f"{here}/{name}", f"{value}\n")
        if "upstream" in body and "driver" in body:
            place = f"../../../../devices/pci0000:00/{body['upstream']}/{bdf}"
            self._links[f"/sys/bus/pci/drivers/{body['driver']}/{bdf}"] = place
        for name in ("driver", "physfn", "iommu_group"):
            if name in body:
                self._links[f"{here}/{name}"] = f"../../../bus/pci/{name}/{body[name]}"
        driven = body if "driver" in body else {}  # what a driver makes: without one there are neither
        for name, netdev in _object(driven.get("netdevs")).items():
            self._child(f"{here}/net", name)
            for attribute, value in {"type": 1, **_object(_object(netdev).get("sysfs"))}.items():
                self._file(f"/sys/class/net/{name}/{attribute}", f"{value}\n")
        for name, rdma in _object(driven.get("rdma")).items():
            self._child(f"{here}/infiniband", name)
            for attribute, value in _object(rdma).items():
                if attribute != "ports":
                    self._file(f"/sys/class/infiniband/{name}/{attribute}", f"{value}\n")
            for port, attributes in _object(_object(rdma).get("ports")).items():
                for attribute, value in _object(attributes).items():
                    self._file(f"/sys/class/infiniband/{name}/ports/{port}/{attribute}", f"{value}\n")
        self._ways(here, body)
        if "fwctl" in body:
            node = str(body["fwctl"])
            self._child("/sys/class/fwctl", node)
            self._links[f"/sys/class/fwctl/{node}/device"] = f"../../../{bdf}"

    def _ways(self, here: str, body: Mapping[str, object]) -> None:
        """Show the nodes of a function's RDMA devices, of its VFIO owner, and of its registers."""
        modules = _object(_object(self._scenario.get("host")).get("modules"))
        self._child(here, "resource0")
        for module, folder, node in (
            ("ib_uverbs", "infiniband_verbs", "uverbs"),
            ("ib_umad", "infiniband_mad", "umad"),
        ):
            for _ in _object(body.get("rdma")) if module in modules and "driver" in body else ():
                self._nodes[node] += 1
                self._child(f"{here}/{folder}", f"{node}{self._nodes[node] - 1}")
        if body.get("driver") == "vfio-pci":
            self._child(f"{here}/vfio-dev", "vfio0")

    def _file(self, path: str, text: str) -> None:
        self._files[path] = text
        parent, _, name = path.rpartition("/")
        self._child(parent, name)

    def _child(self, folder: str, name: str) -> None:
        names = self._folders.setdefault(folder, [])
        if name in names:
            return
        names.append(name)
        parent, _, last = folder.rpartition("/")
        if parent:
            self._child(parent, last)


_TAINT = "/proc/sys/kernel/tainted"

_HOST_FILES = {
    "/proc/sys/kernel/hostname": "hostname",
    "/proc/sys/kernel/osrelease": "release",
    "/proc/sys/kernel/arch": "arch",
    "/proc/sys/kernel/random/boot_id": "boot_id",
    _TAINT: "taint",
    "/proc/cmdline": "cmdline",
}


def _taint(body: object) -> str:
    letters = _object(body).get("taint")
    return f" ({letters})" if letters else ""


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
