"""`sosmlx sos-plugin`, and the executable for supportconfig."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.cli import main
from sosmlx.cli.sosplugin import script_python
from sosmlx.normalise import normalise
from sosmlx.sources.run import find
from tests import sos_standin

SUPPORTCONFIG = sos_standin.FILE.with_name("supportconfig")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_install_writes_the_plugin_and_where_sosmlx_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["sos-plugin", "install", "-o", str(tmp_path)])

    assert (code, _names(tmp_path), (tmp_path / "sosmlx.py").read_bytes()) == (
        0, ["sosmlx.path", "sosmlx.py"], sos_standin.FILE.read_bytes(),
    ), capsys.readouterr()  # fmt: skip


def test_install_replaces_its_own_plugin(tmp_path: Path) -> None:
    (tmp_path / "sosmlx.py").write_text('"""sosmlx, an older one"""\n', encoding="utf-8")

    main(["sos-plugin", "install", "-o", str(tmp_path)])

    assert (tmp_path / "sosmlx.py").read_bytes() == sos_standin.FILE.read_bytes()


@pytest.mark.parametrize(
    ("script", "said"), [("exit 0", ""), ("echo 'Python 3.9 or later is needed' >&2; exit 2", "Python 3.9 or later")]
)
def test_install_says_where_the_program_that_it_names_does_not_start(
    tmp_path: Path, script: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "sosmlx"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    (tmp_path / "plugins").mkdir()

    main(["sos-plugin", "install", "-o", str(tmp_path / "plugins")])

    out = capsys.readouterr().out
    assert ("sos cannot use it" in out, said in out) == (bool(said), True)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("#!/usr/bin/python3 -s", "/usr/bin/python3"),
        ("#!/usr/libexec/platform-python -s", "/usr/libexec/platform-python"),
        ("#!/usr/bin/env python3", find("python3")),
        ("#!/bin/sh 'x", find("python3")),
        ("", find("python3")),
    ],
)
def test_the_python_of_sos_is_read_from_its_first_line(tmp_path: Path, first: str, expected: str) -> None:
    (tmp_path / "sos").write_text(f"{first}\n", encoding="utf-8")

    assert script_python(str(tmp_path / "sos")) == expected


def test_install_does_not_replace_another_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sosmlx.py").write_text("something else\n", encoding="utf-8")

    code = main(["sos-plugin", "install", "-o", str(tmp_path)])

    assert (code, "is not ours" in capsys.readouterr().err, _names(tmp_path)) == (2, True, ["sosmlx.py"])


@pytest.mark.parametrize("words", [["-o", "/nowhere"], ["--supportconfig", "-o", "/nowhere"]])
def test_install_into_nowhere_says_so(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["sos-plugin", "install", *words])

    assert (code, "/nowhere/sosmlx" in capsys.readouterr().err) == (2, True)


@pytest.mark.skipif(Path("/usr/lib/supportconfig/plugins").exists(), reason="supportconfig is here")
def test_without_supportconfig_install_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["sos-plugin", "install", "--supportconfig"])

    assert (code, "there is no supportconfig on this host" in capsys.readouterr().err) == (2, True)


def test_print_prints_the_file_and_path_says_where_it_is(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["sos-plugin", "print"])
    printed = capfdbinary.readouterr().out
    main(["sos-plugin", "path"])

    assert (printed, capfdbinary.readouterr().out.decode().strip()) == (
        sos_standin.FILE.read_bytes(), str(sos_standin.FILE)
    )  # fmt: skip


def test_the_executable_for_supportconfig_is_one(tmp_path: Path) -> None:
    main(["sos-plugin", "install", "--supportconfig", "-o", str(tmp_path)])

    ran = subprocess.run(["sh", "-n", tmp_path / "sosmlx"], check=False)
    assert (ran.returncode, (tmp_path / "sosmlx").stat().st_mode & 0o777) == (0, 0o755)


def _supportconfig(tmp_path: Path, seconds: int = 300, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the executable on a host of one adapter, with tools that say what they were asked."""
    device = tmp_path / "devices/0000:3b:00.0"
    (device / "net/eth0").mkdir(parents=True)
    (device / "net/-x;reboot").mkdir()
    (device / "vendor").write_text("0x15b3\n", encoding="utf-8")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ethtool").write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n'
        '[ "$1" = -k ] && printf "Features for %s:\\nrx-checksumming: on\\ntx-checksumming: off\\n" "$2"\nexit 0\n',
        encoding="utf-8",
    )
    (tools / "ethtool").chmod(0o755)
    script = SUPPORTCONFIG.read_text(encoding="utf-8")
    script = script.replace("devices=/sys/bus/pci/devices", f"devices={tmp_path}/devices")
    script = script.replace("seconds=300", f"seconds={seconds}").replace("seconds + 15", "seconds + 1")
    script = script.replace("PATH=/usr/sbin:", f"PATH={tools}:/usr/sbin:").replace(
        "/opt/sosmlx/bin", str(tmp_path / "bin")
    )
    return subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


def test_what_it_prints_is_a_text_that_show_reads(tmp_path: Path) -> None:
    ran = _supportconfig(tmp_path)
    text = tmp_path / "plugin-sosmlx.txt"
    text.write_text(ran.stdout, encoding="utf-8")

    kinds = {record.kind for record in open_source(str(text)).records}
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert (ran.returncode, "ethtool.features" in kinds, asked) == (
        0, True, [f"{option} eth0" for option in ("-i", "-k", "-g", "-l", "--show-priv-flags")],
    )  # fmt: skip


@pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
def test_what_supportconfig_puts_around_it_changes_nothing(tmp_path: Path, order: int) -> None:
    """supportconfig begins a text with a banner, and adds the plugin itself where that is a script."""
    printed = _supportconfig(tmp_path).stdout
    script = f"#==[ Configuration File ]====#\n# /usr/lib/supportconfig/plugins/sosmlx\n{SUPPORTCONFIG.read_text()}\n\n"
    (tmp_path / "alone.txt").write_text(printed, encoding="utf-8")
    (tmp_path / "around.txt").write_text("=" * 77 + "\n" + "".join([script, printed][::order]), encoding="utf-8")

    alone, around = (normalise(open_source(str(tmp_path / name))) for name in ("alone.txt", "around.txt"))
    assert ([row.facets for row in around.settings], around.devices) == (
        [row.facets for row in alone.settings], alone.devices
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="supportconfig runs as root")
@pytest.mark.parametrize(
    "script",
    ["exit 70", 'touch "$5/sosmlx-n07.tar.xz.partial"; exit 2', "trap '' TERM; while :; do sleep 0.1; done"],
    ids=["crashes", "leaves a part", "hangs and ignores signals"],
)
def test_a_sosmlx_that_gives_no_bundle_leaves_the_commands(tmp_path: Path, script: str) -> None:
    program = tmp_path / "bin/sosmlx"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "log").mkdir()

    ran = _supportconfig(tmp_path, seconds=0, LOG=str(tmp_path / "log"))
    assert (_names(tmp_path / "log"), "# no bundle" in ran.stdout, "rx-checksumming: on" in ran.stdout) == (
        [],
        True,
        True,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="supportconfig runs as root")
@pytest.mark.parametrize(("mode", "left"), [(0o755, ["plugin-sosmlx-bundle.tar.xz"]), (0o777, [])])
def test_a_bundle_is_put_beside_only_by_a_sosmlx_that_is_safe(tmp_path: Path, mode: int, left: list[str]) -> None:
    program = tmp_path / "bin/sosmlx"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ntouch "$5/sosmlx-n07.tar.xz" "$5/sosmlx-n07.tar.xz.sha256"\n', encoding="utf-8")
    program.chmod(mode)
    log = tmp_path / "log"
    log.mkdir()

    _supportconfig(tmp_path, LOG=str(log))

    assert _names(log) == left
