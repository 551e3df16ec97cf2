"""`--root` and `--device`: another host's files without a way out, and one device without the others."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from sosmlx.cli import main
from sosmlx.cli.host import gather
from sosmlx.collectors import selected
from sosmlx.collectors.choose import functions_of, only
from sosmlx.collectors.engine import Engine
from sosmlx.errors import UsageError
from sosmlx.record import HOST, Access, Outcome
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.tree import NOTHING_RUN, TreeSource, read_inside
from tests.shim.sysfs import tree

BEFORE = load("two-adapters-before")
FIRST, SECOND = sorted(name for name in BEFORE["functions"])[:2]  # type: ignore[attr-defined]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree(tmp_path / "host/sys", BEFORE)
    (tmp_path / "host/proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "host/proc/sys/kernel/tainted").write_text("4096\n")
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "host"


def test_the_host_below_a_root_is_collected(root: Path, tmp_path: Path) -> None:
    found = gather("live:", str(tmp_path / "out"), selected(), root=str(root), form="dir")

    data = {record.path: record.data for record in found.bundle.records}
    ran = {record.outcome for record in found.bundle.records if record.argv or record.register}
    assert (data["/proc/sys/kernel/tainted"], data[f"/sys/bus/pci/devices/{FIRST}/vendor"], ran) == (
        b"4096\n", b"0x15b3\n", {Outcome.SKIPPED},
    )  # fmt: skip


def test_the_plan_of_a_host_below_a_root_says_what_is_not_done(root: Path, tmp_path: Path) -> None:
    found = gather("live:", str(tmp_path / "out"), selected(), root=str(root), form="dir")

    rows = json.loads((Path(found.path) / "sosmlx/plan.json").read_text())["reads"]
    assert {("path" in row and row["how"] != "info", row["refused"]) for row in rows} == {
        (True, ""), (False, NOTHING_RUN.reason),
    }  # fmt: skip


def test_a_plan_for_a_root_and_a_device_is_printed_with_what_it_leaves_out(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["collect", "--plan", "--root", str(root), "--device", "eth0"])

    said = capsys.readouterr()
    lines = [line for line in said.out.splitlines() if line.startswith("dmesg")]
    assert (code, {line.endswith(f"NOT DONE: {NOTHING_RUN.reason}") for line in lines}, said.err) == (
        0, {True}, "sosmlx: of devices only eth0 would be read: a plan looks for none\n",
    )  # fmt: skip


def test_what_is_no_file_below_a_root_is_not_opened(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(root / "proc/sys/kernel/hostname"))

        found = read_inside(str(root), "/proc/sys/kernel/hostname", "bytes")

    assert (found.outcome, found.reason) == (Outcome.FAILED, "not a regular file")


def test_below_a_root_nothing_is_run_and_no_device_is_opened(root: Path) -> None:
    source = TreeSource(str(root), NOTHING_RUN)

    answers = {
        source.run(("dmesg", "-k"), 1.0),
        source.info("fwctl0", 1.0),
        source.register(Access("fwctl0", "MGIR"), 1.0),
    }

    assert answers == {NOTHING_RUN}


@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("sys/out", "{outside}"),
        ("sys/out", "../../.."),
        ("sys/out", "/"),
        ("sys/out", "../../../../../../../../../.."),
        ("sys/out", "//{outside}"),
        ("sys/out", "././../.././../.."),
    ],
)
@pytest.mark.parametrize("path", ["/sys/out/secret", "/sys/out/../secret", "/sys/out"])
def test_no_link_leads_out_of_a_root(root: Path, tmp_path: Path, link: str, to: str, path: str) -> None:
    (root / link).symlink_to(to.format(outside=tmp_path))

    found = [read_inside(str(root), path, how) for how in ("bytes", "names")]

    assert [answer for answer in found if b"secret" in answer.data] == []


def test_links_inside_a_root_are_followed_as_its_host_would(root: Path) -> None:
    (root / "sys/inside").symlink_to("/proc/sys/../sys/kernel")

    assert read_inside(str(root), "/sys/inside/tainted", "bytes").data == b"4096\n"


def test_a_last_component_that_is_a_link_is_not_opened(root: Path) -> None:
    (root / "sys/word").symlink_to("/proc/sys/kernel/tainted")

    assert (read_inside(str(root), "/sys/word", "bytes").outcome, read_inside(str(root), "/sys/word", "link").data) == (
        Outcome.FAILED, b"/proc/sys/kernel/tainted",
    )  # fmt: skip


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for path in (
        "/sys/bus/pci/devices",
        f"/sys/bus/pci/devices/{FIRST}/driver/x",
        "/nothing/at/all",
        "/sys/../../../proc",
    ):
        for how in ("bytes", "names", "link"):
            read_inside(str(root), path, how)

    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize(("spec", "root"), [("sim:two-adapters-before", "/"), ("live:", "/no/such/folder")])
def test_a_root_that_is_none_is_refused_in_words(tmp_path: Path, spec: str, root: str) -> None:
    with pytest.raises(UsageError, match="--root"):
        gather(spec, str(tmp_path), selected(), root=root)


def names_of(bdf: str) -> list[str]:
    body = BEFORE["functions"][bdf]  # type: ignore[index]
    return [bdf, *body.get("netdevs", {}), *body.get("rdma", {}), *([body["fwctl"]] if "fwctl" in body else [])]


@pytest.mark.parametrize("word", [*names_of(FIRST), FIRST.upper(), FIRST[5:], f"/dev/fwctl/{names_of(FIRST)[-1]}"])
def test_a_device_is_named_by_any_of_its_names(word: str) -> None:
    assert functions_of(ScenarioSource(BEFORE), [word]) == {FIRST}


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="--device eth99") as caught:
        functions_of(ScenarioSource(BEFORE), ["eth99"])

    assert FIRST in caught.value.hint


def test_only_the_chosen_device_and_the_host_are_read() -> None:
    source = ScenarioSource(BEFORE)
    everything = Engine(source).collect(selected())

    records = Engine(source).collect(only(selected(), {FIRST}))

    wanted = {record.target for record in everything if record.function in (HOST, FIRST)}
    assert {record.target for record in records} == wanted
