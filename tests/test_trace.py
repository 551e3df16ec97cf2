"""What a collection asks of the kernel, as strace sees it: nothing is written, loaded, mounted or sent.

Accepted are files below the output folder, `/dev/null`, fwctl nodes, netlink, and the datagram socket that ethtool
needs for an ioctl, which is never connected, bound or sent on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sosmlx.simulator.adapter import adapter
from sosmlx.simulator.host import load
from sosmlx.simulator.nic import Kernel
from sosmlx.sources import deny
from tests import shim
from tests.shim.server import Server
from tests.shim.sysfs import nodes, tree

HOST = load("two-adapters-before")
ENTER = 'mount --bind "$1" /sys && shift && exec "$@"'
NAMESPACE = ("unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh")

OPENS = ("open", "openat", "openat2", "creat")
CHANGES = (
    "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "symlinkat", "mknod", "mknodat", "chmod", "fchmodat", "chown", "lchown", "fchownat", "truncate", "utimensat",
    "setxattr",
)  # fmt: skip
NEVER = (
    "init_module", "finit_module", "delete_module", "mount", "umount2", "bpf", "setns", "kexec_load", "reboot",
    "unshare", "swapon", "pivot_root", "chroot", "ptrace", "perf_event_open", "iopl", "ioperm", "settimeofday",
)  # fmt: skip
SOCKETS = ("socket", "connect", "bind", "listen", "sendto", "sendmsg", "sendmmsg")
TRACED = ",".join(("execve", "execveat", *OPENS, *CHANGES, *NEVER, *SOCKETS))

OF_ITSELF = ("/proc/self/fd", "/proc/self/maps")
"""What a process reads of itself: which files it holds, and (the C library) where its stack is."""

PROJECT = Path(__file__).parents[1]

NSCD = "/var/run/nscd/socket"
"""The C library asks for it when a user's name is looked up; nobody answers, or the host's own cache does."""


def _unable() -> str:
    """Say what keeps programs from being traced here, or an empty string."""
    if not shutil.which("strace"):
        return "no strace"
    ran = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace: {ran.stderr.strip()}" if ran.returncode else ""


def _no_namespace() -> str:
    if shim.missing() or not shutil.which(NAMESPACE[0]):
        return shim.missing() or "no unshare(1)"
    ran = subprocess.run([*NAMESPACE, "/tmp", "true"], capture_output=True, text=True, check=False)
    return f"no mount namespace: {ran.stderr.strip()}" if ran.returncode else ""


UNABLE = _unable()
pytestmark = [pytest.mark.provided, pytest.mark.skipif(bool(UNABLE), reason=UNABLE)]


class Call(NamedTuple):
    """One system call as it began: its name and its arguments as strace prints them."""

    name: str
    words: str

    @property
    def paths(self) -> list[str]:
        """The paths among the arguments, made absolute by the folder that strace names before each."""
        found = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"', self.words)
        return [os.path.normpath(path if path.startswith("/") else f"{folder}/{path}") for folder, path in found]


class Trace(NamedTuple):
    """What one collection did: its system calls, its output folder, and its bundle."""

    calls: list[Call]
    out: Path
    bundle: Path
    nodes: str

    def named(self, *names: str) -> Iterator[Call]:
        return (call for call in self.calls if call.name in names)


_LINE = re.compile(r"\d+ +(\w+)\((.*)")


def _calls(text: str) -> list[Call]:
    lines = (_LINE.match(line) for line in text.splitlines())
    return [Call(line[1], line[2]) for line in lines if line]


CASES = [("minimal", False), ("full", False), ("default", True), ("full", True)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{'simulated' if case[1] else 'this-host'}")
def trace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trace:
    profile, simulated = request.param
    if simulated and (why := _no_namespace()):
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("trace")
    strace = (
        "strace",
        "-f",
        "-qq",
        "-yy",
        "-s",
        "400",
        "-e",
        f"trace={TRACED}",
        "-e",
        "signal=none",
        "-o",
        folder / "log",
    )
    form = ("--format", "dir") if simulated or profile == "full" else ()
    collect = ("-m", "sosmlx", "collect", "--profile", profile, "-o", folder / "out", *form, "--quiet")
    if simulated:
        door = shim.build(tmp_path_factory)
        tree(folder / "sys", HOST)
        nics = {number: adapter(body, 0, kernel=Kernel(), strict=False) for number, body in nodes(HOST).items()}
        with Server(door.nodes, nics):
            ran = door.run(sys.executable, *collect, enter=(*NAMESPACE, folder / "sys", *strace))
        sockets = str(door.nodes)
    else:
        words = [str(word) for word in (*strace, sys.executable, *collect)]
        ran = subprocess.run(
            words, env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, cwd=PROJECT,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        sockets = ""
    assert ran.stdout, ran.stderr
    calls = _calls((folder / "log").read_text(errors="replace"))
    return Trace(calls, folder / "out", Path(ran.stdout.splitlines()[-1]), sockets)


_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")


def test_the_trace_saw_the_collection(trace: Trace) -> None:
    made = {path for call in trace.named("mkdir") for path in call.paths}

    assert (str(trace.out) in made, any(call.name == "execve" for call in trace.calls)) == (True, True)


def test_nothing_is_opened_for_writing_but_the_bundle_and_the_accepted(trace: Trace) -> None:
    opened = [
        f"{path}/without a name" if "O_TMPFILE" in call.words else path
        for call in trace.named(*OPENS)
        if _WRITES.search(call.words)
        for path in call.paths
    ]

    assert [path for path in opened if not _accepted(path, trace)] == []


def test_nothing_is_opened_that_the_deny_list_names(trace: Trace) -> None:
    """Also by the programs that are run; where Python and the project lie may be anybody's folder."""
    ours = tuple(f"{os.path.realpath(folder)}/" for folder in (sys.prefix, sys.base_prefix, PROJECT, trace.out.parent))
    opened = {path for call in trace.named(*OPENS) for path in call.paths} - set(OF_ITSELF)

    denied = {path: why for path in opened if not path.startswith(ours) and (why := deny.denied_path(path))}
    assert {path: why for path, why in denied.items() if not path.endswith("/.pciids-cache")} == {}  # lspci's own names


def test_no_device_is_opened_but_the_accepted(trace: Trace) -> None:
    opened = {path for call in trace.named(*OPENS) if "O_DIRECTORY" not in call.words for path in call.paths}

    known = ("/dev/null", "/dev/urandom", "/dev/fwctl/", "/dev/kmsg")  # dmesg reads the last one
    assert [path for path in sorted(opened) if path.startswith("/dev/") and not path.startswith(known)] == []


def _accepted(path: str, trace: Trace) -> bool:
    return path == "/dev/null" or path.startswith(("/dev/fwctl/", f"{trace.out}/"))


def test_no_file_is_made_moved_or_removed_but_those_of_the_bundle(trace: Trace) -> None:
    touched = [path for call in trace.named(*CHANGES) for path in call.paths]

    # A file without a name gets one through its descriptor: linkat("/proc/self/fd/3", …).
    touched = [path for path in touched if not path.startswith("/proc/self/fd/")]
    assert [path for path in touched if path != str(trace.out) and not path.startswith(f"{trace.out}/")] == []


def test_no_module_is_loaded_and_nothing_is_mounted(trace: Trace) -> None:
    assert list(trace.named(*NEVER)) == []


def test_no_socket_but_netlink_and_one_for_ioctls_is_made(trace: Trace) -> None:
    made = [call.words for call in trace.named("socket")]

    others = [
        words
        for words in made
        if not words.startswith(("AF_NETLINK", "AF_UNIX", "AF_INET, SOCK_DGRAM", "AF_INET6, SOCK_DGRAM"))
    ]
    assert others == []


def test_nothing_but_netlink_is_bound_connected_or_sent_on(trace: Trace) -> None:
    used = [call.words for call in trace.named("connect", "bind", "listen", "sendto", "sendmsg", "sendmmsg")]

    # In the simulated run each fwctl node is a connected local socket: what is sent there are its ioctls.
    local = (f'sun_path="{NSCD}"', *((f'sun_path="{trace.nodes}/', "<UNIX-STREAM:") if trace.nodes else ()))
    assert [words for words in used if "<NETLINK:" not in words and not any(path in words for path in local)] == []


def test_nothing_is_run_that_is_not_in_the_plan(trace: Trace) -> None:
    planned = [_pattern(row["argv"]) for row in _plan(trace.bundle) if "argv" in row]

    ran = [" ".join(_argv(call)) for call in trace.named("execve", "execveat")]

    ours = re.compile(r"(?:\S*/)?(?:python[\d.]*|env) ")
    assert [line for line in ran if not ours.match(f"{line} ") and not any(row.match(line) for row in planned)] == []


def _plan(bundle: Path) -> list[dict[str, list[str]]]:
    if bundle.is_dir():
        text = (bundle / "sosmlx/plan.json").read_bytes()
    else:
        with tarfile.open(bundle) as tar:
            [member] = [member for member in tar if member.name.endswith("/plan.json")]
            file = tar.extractfile(member)
            text = file.read() if file else b""
    rows: list[dict[str, list[str]]] = json.loads(text)["reads"]
    return rows


def _argv(call: Call) -> list[str]:
    """The program by its name, and its words."""
    listed = re.search(r"\[(.*?)\](?:, |\Z)", call.words)
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', listed[1]) if listed else [call.words]
    return [words[0].rpartition("/")[2] if "python" not in words[0] else words[0], *words[1:]]


def _pattern(argv: list[str]) -> re.Pattern[str]:
    return re.compile(" ".join(re.sub(r"\\\{\w+\\\}", r"\\S+", re.escape(word)) for word in argv) + r"\Z")


LINES = """\
11 openat(AT_FDCWD</w>, "a/../b", O_WRONLY|O_CREAT|O_CLOEXEC, 0600 <unfinished ...>
12 openat(AT_FDCWD</w>, "/sys/kernel/config/x", O_RDONLY) = 3</sys/kernel/config/x>
11 <... openat resumed>)             = 4</w/b>
12 execve("/usr/bin/dmesg", ["/usr/bin/dmesg", "-k"], 0x7f62 /* 5 vars */) = 0
12 +++ exited with 0 +++
"""


def test_a_trace_is_read_as_strace_prints_it() -> None:
    first, second, third = _calls(LINES)

    written = [call.paths for call in (first, second) if _WRITES.search(call.words)]
    assert (written, second.paths, _argv(third)) == ([["/w/b"]], ["/sys/kernel/config/x"], ["dmesg", "-k"])
