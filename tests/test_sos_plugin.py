"""The plugin inside the oldest and the newest sos, beside a sosmlx that works, breaks, hangs or is missing."""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.bundle.verify import verify
from sosmlx.collectors import COLLECTORS, selected
from sosmlx.collectors.engine import Engine
from sosmlx.normalise import normalise
from sosmlx.record import HOST, Record
from sosmlx.simulator.host import ScenarioSource, load
from tests import sos_standin
from tests.pythons import python
from tests.shim.sysfs import tree

SCENARIO = load("two-adapters-before")
WORKING = 'exec {python} -m sosmlx collect --source sim:two-adapters-before "$@"\n'

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="sos runs as root")


@pytest.fixture(params=sos_standin.VERSIONS)
def module(request: pytest.FixtureRequest) -> Iterator[Any]:
    with sos_standin.loaded(request.param) as found:
        yield found


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host's root with the adapters of a scenario, in which nothing else is."""
    folder = tmp_path_factory.mktemp("root")
    tree(folder / "sys", SCENARIO)
    (folder / "proc/sys/kernel").mkdir(parents=True)
    (folder / "proc/sys/kernel/hostname").write_text("n07\n", encoding="utf-8")
    (folder / "tmp").mkdir()
    return folder


def _program(root: Path, script: str, mode: int = 0o755) -> Path:
    """Put a program named sosmlx on a search path of its own below a root."""
    path = root / "bin" / "sosmlx"
    path.parent.mkdir(exist_ok=True)
    words = WORKING.format(python=shlex.quote(sys.executable)) if script == "works" else script
    path.write_text(
        f'#!/bin/sh\n[ "$1" = collect ] && shift\ncd {Path(__file__).parents[1]}\n{words}', encoding="utf-8"
    )
    path.chmod(mode)
    return path


def _plugin(module: Any, tmp_path: Path, root: Path, **options: Any) -> Any:
    """A plugin whose root is the simulated host; programs run as they are, so their paths are of this machine."""
    plugin = module.SosMlx(tmp_path / "archive", root=Path("/"), path=str(root / "bin"), options=options)
    plugin.rooted = lambda path: str(root / path.lstrip("/")) if path.startswith(("/sys", "/proc")) else path
    return plugin


def _kinds(archive: Path) -> set[str]:
    return {record.kind for record in open_source(str(archive)).records}


def test_it_is_enabled_by_a_function_of_the_vendor(module: Any, tmp_path: Path, root: Path) -> None:
    there, nowhere = (module.SosMlx(tmp_path, root=folder) for folder in (root, tmp_path))

    assert (there.check_enabled(), nowhere.check_enabled()) == (True, False)


def test_the_tree_of_the_collector_is_where_show_finds_it(module: Any, tmp_path: Path, root: Path) -> None:
    host = tmp_path / "host"
    host.mkdir()
    _program(host, "works")
    plugin = _plugin(module, tmp_path, root)
    plugin.policy.PATH = f"/nowhere:{host / 'bin'}"

    plugin.drive()

    mine = tmp_path / "archive/sos_commands/sosmlx"
    collected = Engine(ScenarioSource(SCENARIO, "x")).collect(selected())
    assert (
        [record.answer for record in open_source(str(tmp_path / "archive")).records],
        verify(str(tmp_path / "archive"))[1],
        sorted(path.name for path in mine.iterdir()),
        len(plugin.ran),
    ) == (
        [record.answer for record in collected], [],
        ["checksums.sha256", "collect", "sos_commands", "sosmlx", "version.txt"], 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "script",
    ["exit 70\n", "head -c 3000000 /dev/urandom\n", "mkdir -p \"$7/sosmlx-x/sosmlx\"; exit 3\n", "kill -SEGV $$\n"],
    ids=["crashes", "prints garbage", "leaves half a tree", "dies"],
)  # fmt: skip
def test_a_broken_sosmlx_leaves_plain_commands(module: Any, tmp_path: Path, root: Path, script: str) -> None:
    _program(tmp_path, script)
    plugin = _plugin(module, tmp_path, root)
    plugin.policy.PATH = str(tmp_path / "bin")

    plugin.drive()

    left = sorted(path.name for path in (tmp_path / "archive/sos_commands/sosmlx").iterdir() if path.name[0] == ".")
    assert (left, len(plugin.alerts), "pci.attribute" in _kinds(tmp_path / "archive")) == ([], 1, True)


def test_a_sosmlx_that_hangs_and_ignores_signals_is_killed(module: Any, tmp_path: Path, root: Path) -> None:
    module.GRACE = module.KILL = 1
    _program(tmp_path, "trap '' TERM\nwhile :; do sleep 0.1; done\n")
    plugin = _plugin(module, tmp_path, root, seconds=1, timeout=10)
    plugin.policy.PATH = str(tmp_path / "bin")
    started = time.monotonic()

    plugin.drive()

    assert (time.monotonic() - started < 30, "pci.attribute" in _kinds(tmp_path / "archive")) == (True, True)


@pytest.mark.parametrize("unsafe", ["file", "folder", "owner", "link"])
def test_an_unsafe_sosmlx_is_not_run(module: Any, tmp_path: Path, root: Path, unsafe: str) -> None:
    path = _program(tmp_path, f"touch {tmp_path}/ran\n", 0o777 if unsafe == "file" else 0o755)
    if unsafe == "folder":
        path.parent.chmod(0o777)
    if unsafe == "owner":
        os.chown(path, 1000, 1000)
    if unsafe == "link":
        path.rename(tmp_path / "other")
        os.chown(tmp_path / "other", 1000, -1)
        path.symlink_to("../other")
    plugin = _plugin(module, tmp_path, root)
    plugin.policy.PATH = str(tmp_path / "bin")

    plugin.drive()

    assert ((tmp_path / "ran").exists(), "pci.attribute" in _kinds(tmp_path / "archive")) == (False, True)


def test_a_sticky_folder_of_root_is_no_danger(module: Any, tmp_path: Path) -> None:
    path = _program(tmp_path, "works")
    path.parent.chmod(0o1777)

    assert module.trusted("/", str(path)) == ""


@pytest.mark.parametrize(("members", "safe"), [("", True), ("root", True), ("eve", False)])
def test_a_group_in_which_nobody_is_is_no_danger(module: Any, tmp_path: Path, members: str, safe: bool) -> None:
    path = _program(tmp_path, "works")
    os.chown(path.parent, 0, 50)
    path.parent.chmod(0o2775)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text(f"staff:x:50:{members}\n", encoding="utf-8")

    assert (module.trusted(str(tmp_path), "/bin/sosmlx") == "") is safe


def test_a_root_that_is_not_this_one_resolves_links_inside_itself(module: Any, tmp_path: Path) -> None:
    _program(tmp_path, "works")
    (tmp_path / "sbin").symlink_to("/bin")

    assert module.trusted(str(tmp_path), "/sbin/sosmlx") == ""


def test_without_sosmlx_plain_commands_make_a_bundle(module: Any, tmp_path: Path, root: Path) -> None:
    plugin = _plugin(module, tmp_path, root)

    plugin.drive()

    found = open_source(str(tmp_path / "archive"))
    devices = normalise(found).devices
    assert (
        found.host, found.faults, verify(str(tmp_path / "archive"))[1], sorted(device.bdf for device in devices)
    ) == ("n07", (), [], sorted(SCENARIO["functions"]))  # type: ignore[call-overload]  # fmt: skip


def _outcomes(archive: Path) -> dict[tuple[str, str], int]:
    """Count how the commands of a bundle ended, by outcome and reason."""
    return Counter(
        (record.outcome.value, record.answer.reason) for record in open_source(str(archive)).records if record.argv
    )


def test_after_three_commands_without_an_answer_no_further_one_is_run(module: Any, tmp_path: Path, root: Path) -> None:
    plugin = _plugin(module, tmp_path, root)
    plugin.execute = lambda cmd, *_: plugin.ran.append(cmd) or {"status": 124, "output": "", "filename": ""}

    plugin.drive()

    found = _outcomes(tmp_path / "archive")
    assert (len(plugin.ran), found.pop(("timeout", "after 20 s")), list(found)) == (
        3, 3, [("skipped", "breaker: 3 commands gave no answer")]
    )  # fmt: skip


def test_commands_for_which_the_time_is_over_are_in_the_index(module: Any, tmp_path: Path, root: Path) -> None:
    plugin = _plugin(module, tmp_path, root)
    plugin.check_timeout = lambda: bool(plugin.ran)

    plugin.drive()

    found = open_source(str(tmp_path / "archive"))
    assert (len(plugin.ran), _outcomes(tmp_path / "archive")["skipped", "budget"] > 3, found.complete) == (
        1,
        True,
        False,
    )


def test_the_path_that_install_wrote_is_the_last_resort(tmp_path: Path, root: Path) -> None:
    path = _program(tmp_path, "works")
    copy = tmp_path / "plugins" / "sosmlx.py"
    copy.parent.mkdir()
    copy.write_bytes(sos_standin.FILE.read_bytes())
    copy.with_name("sosmlx.path").write_text(f"{path}\n", encoding="utf-8")

    with sos_standin.loaded("4.12", copy) as module:
        assert module.SosMlx(tmp_path, root=Path("/"))._tool() == str(path)


def test_options_and_time_are_handed_on(module: Any, tmp_path: Path, root: Path) -> None:
    _program(tmp_path, "exit 0\n")
    plugin = _plugin(module, tmp_path, root, profile="full", device="0000:3b:00.0", seconds=500, timeout=200)
    plugin.policy.PATH = str(tmp_path / "bin")

    plugin.drive()

    words = shlex.split(plugin.ran[0])
    assert (words[:6], words[8:]) == (
        ["/usr/bin/timeout", "-k", "5", "155", str(tmp_path / "bin/sosmlx"), "collect"],
        ["--max-seconds", "140", "-o", words[11], "--profile", "full", "--device", "0000:3b:00.0"],
    )  # fmt: skip


@pytest.mark.parametrize("option", [{"profile": "$(reboot)"}, {"device": "-x"}, {"device": "a b"}, {"seconds": "soon"}])
def test_an_option_that_is_none_is_left_out(module: Any, tmp_path: Path, root: Path, option: dict[str, str]) -> None:
    plugin = _plugin(module, tmp_path, root, **option)

    assert (plugin._chosen(), plugin._seconds()) == ([], 300)


@pytest.mark.parametrize("old", [True, False])
def test_words_come_back_from_what_sos_does_to_a_command(module: Any, tmp_path: Path, old: bool) -> None:
    folder = tmp_path / "a b'c"
    folder.mkdir()
    words = ["echo", str(folder), "$(id)", "a;b"]

    assert sos_standin.split(module.command(words), old=old) == words


@pytest.mark.parametrize("where", ["archive [x]", "bin*"])
def test_a_path_with_a_wildcard_is_given_to_no_sos(module: Any, tmp_path: Path, root: Path, where: str) -> None:
    path = _program(tmp_path, "works")
    shutil.copytree(path.parent, tmp_path / "bin*")
    plugin = _plugin(module, tmp_path, root)
    plugin.policy.PATH = str(tmp_path / ("bin*" if where == "bin*" else "bin"))
    plugin.archive.folder = tmp_path / where

    plugin.drive()

    assert [cmd for cmd in plugin.ran if "collect" in cmd] == []


def test_a_dry_run_runs_nothing(module: Any, tmp_path: Path, root: Path) -> None:
    plugin = _plugin(module, tmp_path, root)
    plugin.dry_run = True

    plugin.drive()

    assert plugin.ran == []


def _declared() -> set[tuple[str, str]]:
    """Everything that the collectors read of the simulated host: kind, and target without the subject's names."""
    records = Engine(ScenarioSource(SCENARIO, "x")).collect(COLLECTORS)
    return {(record.kind, _template(record)) for record in records}


def _template(record: Record) -> str:
    words = record.path or " ".join(record.argv)
    if record.subject == HOST:
        return words
    words = words.replace(record.function, "{bdf}")
    return words.replace(record.part, "{name}") if record.part else words


def test_what_is_read_without_sosmlx_is_what_its_collectors_read(module: Any) -> None:
    here = f"{module.DEVICES}/{{bdf}}"
    commands = (*module.HOST_COMMANDS, *module.FUNCTION_COMMANDS, *module.NETDEV_COMMANDS)
    ours = {(kind, " ".join(words)) for kind, words in commands} | set(module.HOST_FILES)
    ours |= {("pci.attribute", f"{here}/{name}") for name in module.PCI_ATTRIBUTES}
    ours |= {("pci.link", f"{here}/{name}") for name in module.PCI_LINKS}
    ours |= {("net.attribute", f"/sys/class/net/{{name}}/{name}") for name in module.NET_ATTRIBUTES}
    ours |= {("rdma.attribute", f"/sys/class/infiniband/{{name}}/{name}") for name in module.RDMA_ATTRIBUTES}

    assert ours - _declared() == set()


def test_the_file_parses_as_python_3_6() -> None:
    assert ast.parse(sos_standin.FILE.read_text(encoding="utf-8"), feature_version=(3, 6)).body


def test_the_file_compiles_on_a_real_python_3_6() -> None:
    old = python("3.6")
    if old is None:
        pytest.skip("no Python 3.6 runs on this machine")

    ran = subprocess.run([old, "-c", f"compile(open({str(sos_standin.FILE)!r}).read(), 'x', 'exec')"], check=False)

    assert ran.returncode == 0
