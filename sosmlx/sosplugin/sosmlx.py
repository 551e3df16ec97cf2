"""NVIDIA/Mellanox ConnectX adapters in a sos report: what `sosmlx collect` reads, or what plain commands tell.

One self-contained file, for sos 4.0 to 4.12 and the Python that sos runs under, 3.6 or later: it imports the standard
library and `sos.report.plugins`, and annotates with words that 3.6 knows. `sosmlx sos-plugin install` puts it in place.

What it leaves below `sos_commands/sosmlx/` is a sosmlx bundle: `sosmlx show SOSREPORT` reads it there.
"""

import errno
import fnmatch
import hashlib
import json
import os
import re
import shlex
import shutil
import stat
import tempfile
import time
from typing import Any, Dict, List, Optional, Tuple

from sos.report import plugins

VENDOR = b"0x15b3"
DEVICES = "/sys/bus/pci/devices"
PROFILES = ("minimal", "default", "full")
SECONDS = 300
GRACE = 30
"""Seconds that the collector may take beyond its budget (10, to end what it reads) and sos beyond that."""

KILL = 5
"""Seconds from the signal that asks the collector to end to the one that does not ask."""

EACH, LATE = 20, 3
"""Seconds of one plain command, and how many may give no answer: no further one is run, they wait for one lock."""

OPT_PLACES = ("/opt/sosmlx/bin/sosmlx", "/opt/sosmlx/sosmlx", "/opt/sosmlx/sosmlx-collect.pyz")
HINT = "sosmlx.path"
"""Beside this file: the path of the sosmlx that installed it."""

OPTIONS = (
    ("profile", "default", "how much sosmlx reads: minimal, default or full"),
    ("device", "", "only this adapter: PCI address, netdev, RDMA or fwctl name"),
    ("seconds", SECONDS, "time for the whole collection"),
)

Commands = Tuple[Tuple[str, Tuple[str, ...]], ...]

# Without sosmlx. Each kind, and its words, are those of sosmlx's own collectors; a test holds that.
HOST_COMMANDS = (
    ("devlink.param", ("devlink", "-j", "dev", "param", "show")),
    ("devlink.health", ("devlink", "-j", "health", "show")),
    ("devlink.port", ("devlink", "-j", "port", "show")),
)  # type: Commands
FUNCTION_COMMANDS = (
    ("devlink.info", ("devlink", "-j", "dev", "info", "pci/{bdf}")),
    ("devlink.eswitch", ("devlink", "-j", "dev", "eswitch", "show", "pci/{bdf}")),
)  # type: Commands
NETDEV_COMMANDS = (
    ("ethtool.driver", ("ethtool", "-i", "{name}")),
    ("ethtool.features", ("ethtool", "-k", "{name}")),
    ("ethtool.rings", ("ethtool", "-g", "{name}")),
    ("ethtool.channels", ("ethtool", "-l", "{name}")),
    ("ethtool.priv-flags", ("ethtool", "--show-priv-flags", "{name}")),
)  # type: Commands
HOST_FILES = (
    ("kernel.line", "/proc/sys/kernel/hostname"),
    ("kernel.line", "/proc/sys/kernel/osrelease"),
    ("kernel.line", "/proc/sys/kernel/random/boot_id"),
    ("kernel.taint", "/proc/sys/kernel/tainted"),
    ("kernel.lockdown", "/sys/kernel/security/lockdown"),
    ("kernel.modules", "/proc/modules"),
)
PCI_ATTRIBUTES = (
    "vendor", "device", "class", "revision", "subsystem_vendor", "subsystem_device", "numa_node", "sriov_totalvfs",
    "sriov_numvfs", "current_link_speed", "current_link_width", "max_link_speed", "max_link_width",
)  # fmt: skip
PCI_LINKS = ("driver", "physfn", "iommu_group")
NET_ATTRIBUTES = ("mtu", "address", "operstate", "phys_port_name", "phys_switch_id", "dev_port")
RDMA_ATTRIBUTES = ("fw_ver", "board_id", "hca_type", "node_guid", "sys_image_guid", "node_type")

BDF = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,62}\Z")
WILD = re.compile(r"[*?\[]")
"""What sos expands in words, which of it and in which words by its version: no word of ours has any."""

FILE_CAP = 1 << 20

Status = Tuple[str, str]
"""How a read ended, and why, in the words of a sosmlx manifest."""


def trusted(root: str, path: str) -> str:
    """Say why root should not run the program at `path` below `root`; an empty string where it may.

    Every folder, link and file on the way must belong to root and be writable by nobody else (a sticky folder may be,
    and what a group in which nobody is may write): whoever could replace one of them would run as root. Raises OSError
    where nothing is.
    """
    waiting, done, links = list(reversed(path.split("/"))), [], 0  # type: Tuple[List[str], List[str], int]
    info = os.lstat(root)
    why = _writable(root, root, info)
    while waiting and not why:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        here = os.path.join(root, *(done + [part]))
        info = os.lstat(here)
        why = _writable(root, here, info)
        if not stat.S_ISLNK(info.st_mode):
            done.append(part)
            continue
        links += 1
        if links > 40:
            return f"{path}: too many links"
        target = os.readlink(here)
        done = [] if target.startswith("/") else done
        waiting.extend(reversed(target.split("/")))
    if not why and not (stat.S_ISREG(info.st_mode) and info.st_mode & 0o100):
        return f"{path} is no program"
    return why


def _writable(root: str, here: str, info: os.stat_result) -> str:
    if info.st_uid != 0:
        return f"{here} belongs to user {info.st_uid}, not to root"
    if stat.S_ISLNK(info.st_mode) or (stat.S_ISDIR(info.st_mode) and info.st_mode & stat.S_ISVTX):
        return ""
    if info.st_mode & stat.S_IWOTH:
        return f"{here} can be written by everybody"
    if info.st_mode & stat.S_IWGRP and (_has_people(root, info.st_gid) or _has_list(here)):
        return f"{here} can be written by group {info.st_gid}, or by an access list"
    return ""


def _has_people(root: str, gid: int) -> bool:
    """Whether anybody but root is in a group, by the host's own files; a group that they do not name counts as one."""
    groups, users = (
        [
            line.split(":")
            for line in content(os.path.join(root, "etc", name))[0].decode("utf-8", "replace").splitlines()
        ]
        for name in ("group", "passwd")
    )
    members = [row[3] for row in groups if len(row) > 3 and row[2] == str(gid)]
    people = {name for names in members for name in names.split(",")}
    people.update(row[0] for row in users if len(row) > 3 and row[3] == str(gid) and row[2] != "0")
    return not members or bool(people - {"", "root"})


def _has_list(path: str) -> bool:
    """Whether a file has an access list: the group's bits are then its mask."""
    try:
        return bool(os.getxattr(path, "system.posix_acl_access"))
    except OSError:
        return False


def command(words: List[str]) -> str:
    """Join words so that sos, which splits as a shell does, gets them back; none of them may hold a wildcard."""
    return " ".join(shlex.quote(word) for word in words)


def _option(name: str, default: Any, desc: str) -> Any:
    """Declare an option as this sos wants it: newer ones an object, older ones a tuple with a speed that none uses."""
    if hasattr(plugins, "PluginOpt"):
        return plugins.PluginOpt(name=name, default=default, desc=desc)
    return (name, desc, "fast", default)


TAGS = ("RedHatPlugin", "DebianPlugin", "UbuntuPlugin", "SuSEPlugin", "IndependentPlugin")
BASES = tuple(getattr(plugins, name) for name in TAGS if hasattr(plugins, name))


class SosMlx(plugins.Plugin, *BASES):  # type: ignore[misc]
    """Flash and run-time configuration, firmware, taint and lockdown of NVIDIA/Mellanox ConnectX adapters.

    Reads only. Where sosmlx is installed, its collector does the work within a time of its own; elsewhere
    devlink, ethtool and sysfs are asked. `sosmlx show SOSREPORT` reads either.
    """

    plugin_name = "sosmlx"
    short_desc = "NVIDIA/Mellanox ConnectX configuration (read-only)"
    profiles = ("hardware", "network", "system")
    plugin_timeout = SECONDS + 2 * GRACE
    option_list = [_option(*option) for option in OPTIONS]

    def check_enabled(self) -> bool:
        """Whether there is a PCI function of the vendor: any class, any domain."""
        return bool(self.functions())

    def setup(self) -> None:
        """Nothing is decided before the collection: its time is that of the plugin, which sos bounds."""

    def collect(self) -> None:
        """Run sosmlx and adopt its tree; where that gives none, fall back to plain commands."""
        super().collect()
        if self._run_sosmlx() or self._stopped():
            return
        Fallback(self).collect()

    def rooted(self, path: str) -> str:
        """Return a path of the host as sos sees it."""
        return os.path.join(self.sysroot or "/", path.lstrip("/"))

    def place(self) -> str:
        """Return the folder of this plugin in the archive, which exists afterwards."""
        path = self.get_cmd_output_path(make=False)  # type: str
        os.makedirs(path, exist_ok=True)
        return path

    def functions(self) -> List[str]:
        """List the vendor's PCI functions of this host, by address."""
        found = folder(self.rooted(DEVICES), BDF)
        return [bdf for bdf in found if content(self.rooted(f"{DEVICES}/{bdf}/vendor"))[0].strip() == VENDOR]

    def _stopped(self) -> bool:
        """Whether there is nothing to be run: a dry run, or the plugin's time is over."""
        return bool(self.check_timeout()) or not self.test_predicate(cmd=True)

    def _run_sosmlx(self) -> bool:
        """Run the collector into a private folder of the archive; whether it left a bundle there."""
        tool = self._tool()
        skipped = getattr(self, "skip_commands", None) or []
        if not tool or self._stopped() or any(fnmatch.fnmatch(tool, pattern) for pattern in skipped):
            return False
        place = self.place()
        if WILD.search(place):
            self._log_warn(f"sosmlx is not run: sos would expand a wildcard in the name of its own folder, {place}")
            return False
        private = tempfile.mkdtemp(prefix=".collect-", dir=place)
        try:
            self._run(tool, private)
            adopted = adopt(private, place)
        finally:
            shutil.rmtree(private, ignore_errors=True)
        if not adopted:
            self.add_alert("sosmlx left no bundle (see sos_commands/sosmlx/collect): plain commands were run instead")
            self._log_warn(f"{tool} left no bundle; running plain commands instead")
        return adopted

    def _run(self, tool: str, private: str) -> None:
        seconds = self._seconds()
        target = self.strip_sysroot(private) if self._has_sysroot() else private
        words = [tool, "collect", "--format", "dir", "--max-seconds", str(seconds), "-o", target] + self._chosen()
        if os.path.exists(self.rooted("/usr/bin/timeout")):
            # sos asks a program to end, and waits for it for ever; this one also kills.
            words = ["/usr/bin/timeout", "-k", str(KILL), str(seconds + GRACE // 2)] + words
        self.collect_cmd_output(
            command(words), suggest_filename="collect", timeout=seconds + GRACE, sizelimit=1,
            env={"PYTHONPATH": "", "PYTHONHOME": "", "PYTHONSTARTUP": ""},
        )  # fmt: skip

    def _seconds(self) -> int:
        """Return the collector's time: what was asked for, within what sos gives the plugin."""
        wanted, given = self.get_option("seconds"), self.timeout
        seconds = int(wanted) if str(wanted).isdigit() and int(wanted) else SECONDS
        return min(seconds, max(given - 2 * GRACE, given // 2, 1)) if given else seconds

    def _chosen(self) -> List[str]:
        """Return the options that were given: a wrong one is said, and left out."""
        words = []  # type: List[str]
        for name, default, _ in OPTIONS[:2]:
            value = str(self.get_option(name) or default)
            if value == default:
                continue
            if value in PROFILES if name == "profile" else NAME.match(value):
                words += ["--" + name, value]
            else:
                self._log_warn(f"sosmlx.{name}={value}: not understood; reading as without it")
        return words

    def _tool(self) -> str:
        """Find sosmlx on sos's PATH, below /opt, or where it was when this plugin was installed."""
        root = self.sysroot or "/"
        if self._has_sysroot() and not self.tmp_in_sysroot():
            return ""  # the archive cannot be reached from inside the root in which sos runs commands
        folders = str(getattr(self.policy, "PATH", "")).split(os.pathsep)
        places = [os.path.join(here, "sosmlx") for here in folders if here.startswith("/")] + list(OPT_PLACES)
        hint = content(os.path.join(os.path.dirname(os.path.abspath(__file__)), HINT))[0]
        hinted = hint.decode("utf-8", "replace").strip()
        for place in places + ([hinted] if hinted else []):
            try:
                why = "" if place.startswith("/") and not WILD.search(place) else "no absolute path without wildcards"
                why = why or trusted(root, place)
            except OSError:
                continue
            if not why:
                return place
            self._log_warn(f"{place} is not run: {why}")
        return ""

    def _has_sysroot(self) -> bool:
        return os.path.abspath(self.sysroot or "/") != "/"


def adopt(private: str, place: str) -> bool:
    """Move the one bundle in `private` to `place`, without its top folder; the index last. Whether there was one."""
    found = [name for name in os.listdir(private) if name.startswith("sosmlx-")]
    bundle = os.path.join(private, found[0]) if len(found) == 1 else ""
    if not bundle or os.path.islink(bundle) or not os.path.isfile(os.path.join(bundle, "sosmlx", "manifest.json")):
        return False
    for name in ("version.txt", "checksums.sha256", "sos_commands", "sosmlx"):
        if os.path.lexists(os.path.join(bundle, name)):
            os.rename(os.path.join(bundle, name), os.path.join(place, name))
    return True


def folder(path: str, allowed: Any) -> List[str]:
    """List the names in a folder that are safe to use in a path or an argument; none where it cannot be read."""
    try:
        return sorted(name for name in os.listdir(path) if allowed.match(name))
    except OSError:
        return []


def content(path: str, link: bool = False) -> Tuple[bytes, Status]:
    """Read a small file, or where a link points; how that ended is said in sosmlx's words."""
    try:
        if link:
            return os.fsencode(os.readlink(path)), ("collected", "")
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return b"", ("skipped", "no regular file")
            data = file.read(FILE_CAP + 1)
    except OSError as error:
        words = {errno.ENOENT: "absent", errno.EACCES: "denied", errno.EPERM: "denied", errno.EOPNOTSUPP: "unsupported"}
        return b"", (words.get(error.errno or 0, "failed"), os.strerror(error.errno or 0))
    return data[:FILE_CAP], ("truncated" if len(data) > FILE_CAP else "collected", "")


class Fallback:
    """A bundle from files of sysfs and plain commands, each of which sos runs, stores and lists as its own."""

    def __init__(self, plugin: SosMlx) -> None:
        self._plugin = plugin
        self._place = plugin.place()
        self._rows = []  # type: List[Dict[str, Any]]
        self._sums = {}  # type: Dict[str, str]

    def collect(self) -> None:
        """Read everything, then write the index of what was read."""
        for kind, path in HOST_FILES:
            self._file(kind, "host", path)
        for kind, words in HOST_COMMANDS:
            self._command(kind, "host", words)
        for bdf in self._plugin.functions():
            self._function(bdf)
        self._index()

    def _function(self, bdf: str) -> None:
        here = f"{DEVICES}/{bdf}"
        for name in PCI_ATTRIBUTES:
            self._file("pci.attribute", bdf, f"{here}/{name}")
        for name in PCI_LINKS:
            self._file("pci.link", bdf, f"{here}/{name}", link=True)
        driver = content(self._plugin.rooted(f"{here}/driver"), link=True)[0]
        for kind, words in FUNCTION_COMMANDS if driver.endswith(b"/mlx5_core") else ():
            self._command(kind, bdf, [word.replace("{bdf}", bdf) for word in words])
        for name in self._names("pci.netdevs", bdf, f"{here}/net"):
            for attribute in NET_ATTRIBUTES:
                self._file("net.attribute", f"{bdf}/{name}", f"/sys/class/net/{name}/{attribute}")
            for kind, words in NETDEV_COMMANDS:
                self._command(kind, f"{bdf}/{name}", [word.replace("{name}", name) for word in words])
        for name in self._names("pci.rdma", bdf, f"{here}/infiniband"):
            for attribute in RDMA_ATTRIBUTES:
                self._file("rdma.attribute", f"{bdf}/{name}", f"/sys/class/infiniband/{name}/{attribute}")

    def _names(self, kind: str, bdf: str, path: str) -> List[str]:
        found = folder(self._plugin.rooted(path), NAME)
        status = ("collected", "") if found else ("absent", os.strerror(errno.ENOENT))
        self._store(kind, bdf, {"path": path}, "\n".join(found).encode(), status)
        return found

    def _file(self, kind: str, subject: str, path: str, link: bool = False) -> None:
        data, status = content(self._plugin.rooted(path), link)
        self._store(kind, subject, {"path": path}, data, status)

    def _store(self, kind: str, subject: str, what: Dict[str, Any], data: bytes, status: Status) -> None:
        """Write the bytes of a record of our own reading, as the collector would."""
        member = f"sos_commands/sosmlx/sos/{self._id()}-{kind}"
        if data:
            self._write(member, data)
        self._row(kind, subject, what, data, status, member if data else None, "kernel")

    def _command(self, kind: str, subject: str, words: Any) -> None:
        """Let sos run a command, and list what it stored."""
        channel = kind.split(".")[0]
        late = sum(row["outcome"] == "timeout" for row in self._rows)
        why = f"breaker: {late} commands gave no answer" if late >= LATE else ""
        why = "budget" if self._plugin.check_timeout() else why
        if why:
            self._row(kind, subject, {"argv": list(words)}, b"", ("skipped", why), None, channel)
            return
        ran = self._plugin.collect_cmd_output(
            command(list(words)), subdir="sos_commands/sosmlx/sos", timeout=EACH, stderr=False
        )
        filename = str((ran or {}).get("filename") or "")
        rc = (ran or {}).get("status")
        readable = bool(filename) and not os.path.islink(filename)
        data, status = content(filename) if readable else (b"", ("absent", ""))  # type: Tuple[bytes, Status]
        if rc in (126, 127) or ran is None or rc is None:
            status = ("absent", "no such program" if rc else "not run")
        elif rc:
            status = ("timeout", f"after {EACH} s") if rc == 124 else ("failed", f"rc {rc}")
        member = os.path.relpath(filename, self._place) if readable else None
        if member:
            self._sums[member] = hashlib.sha256(data).hexdigest()
        self._row(kind, subject, {"argv": list(words)}, data, status, member, channel, rc=rc)

    def _row(
        self, kind: str, subject: str, what: Dict[str, Any], data: bytes, status: Status, member: Optional[str],
        channel: str, rc: Optional[int] = None,
    ) -> None:  # fmt: skip
        row = {
            "id": self._id(), "kind": kind, "collector": "sos", "subject": subject, "scope": "inspection",
            "channel": channel, "outcome": status[0], "reason": status[1], "rc": rc, "bytes": len(data),
            "truncated": status[0] == "truncated", "sha256": hashlib.sha256(data).hexdigest(), "member": member,
        }  # fmt: skip
        row.update(what)
        self._rows.append(row)

    def _id(self) -> str:
        return f"{len(self._rows) + 1:04}"

    def _index(self) -> None:
        """Write the index last: without it there is no bundle."""
        hostname = content(self._plugin.rooted("/proc/sys/kernel/hostname"))[0]
        manifest = {
            "schema": "sosmlx.manifest/1", "version": "1.0", "tool": {"name": "sosmlx-sos-plugin", "version": "1"},
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "label": "sos",
            "host": {"name": hostname.decode("utf-8", "replace").strip()}, "security": {"euid": os.geteuid()},
            "records": self._rows, "skipped": [], "complete": not any(row["reason"] == "budget" for row in self._rows),
        }  # fmt: skip
        self._write("version.txt", b"sosmlx-sos-plugin: 1\nbundle: 1\n")
        self._write("sosmlx/manifest.json", (json.dumps(manifest, sort_keys=True, indent=1) + "\n").encode())
        lines = [f"{digest}  {name}\n" for name, digest in sorted(self._sums.items())]
        self._write("checksums.sha256", "".join(lines).encode())

    def _write(self, member: str, data: bytes) -> None:
        path = os.path.join(self._place, member)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        self._sums[member] = hashlib.sha256(data).hexdigest()
