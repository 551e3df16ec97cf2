"""What sos gives a plugin, as two of its versions do: the oldest that we support, and the newest.

Written from the documented methods of `sos.report.plugins.Plugin` (signatures of 4.0 and 4.12); strict about keywords:
a plugin which hands on what a version does not know fails here as it would there. Commands are really run.
"""

from __future__ import annotations

import glob
import importlib.util
import logging
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import sosmlx.sosplugin

FILE = Path(sosmlx.sosplugin.__file__).with_name("sosmlx.py")
VERSIONS = ("4.0", "4.12")


def split(cmd: str, *, old: bool) -> list[str]:
    """Split a command as sos does: like a shell, with wildcards expanded afterwards; later only `*` in whole paths."""
    return [
        found for word in shlex.split(cmd)
        for found in ((old or (word[:1] == "/" and "*" in word)) and glob.glob(word)) or [word]  # noqa: PTH207
    ]  # fmt: skip


class Archive:
    """A folder that becomes an archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_tmp_dir(self) -> str:
        return str(self.folder)


class Policy:
    """A distribution's search path."""

    def __init__(self, path: str) -> None:
        self.PATH = path


class Base:
    """What both versions have in common."""

    plugin_timeout = 300
    plugin_name = ""
    option_list: Sequence[Any] = ()

    def __init__(self, folder: Path, *, root: Path, path: str = "", options: dict[str, Any] | None = None) -> None:
        self.archive, self.policy, self.sysroot = Archive(folder), Policy(path), str(root)
        self.ran: list[str] = []
        self.alerts: list[str] = []
        self.dry_run = False
        self.given = options or {}

    @property
    def timeout(self) -> int:
        return int(self.given.get("timeout", self.plugin_timeout))

    def get_option(self, optionname: str, default: Any = 0) -> Any:
        return {**self.defaults(), **self.given}.get(optionname, default)

    def defaults(self) -> dict[str, Any]:
        raise NotImplementedError

    def check_timeout(self) -> bool:
        return False

    def test_predicate(self, cmd: bool = False, pred: Any = None) -> bool:
        return not self.dry_run

    def tmp_in_sysroot(self) -> bool:
        return str(self.archive.folder).startswith(self.sysroot)

    def strip_sysroot(self, path: str) -> str:
        return path[len(self.sysroot) :] if path.startswith(self.sysroot) else path

    def add_alert(self, alertstring: str) -> None:
        self.alerts.append(alertstring)

    def _log_warn(self, msg: str) -> None:
        logging.getLogger("sos").warning(msg)

    def execute(self, cmd: str, name: str, subdir: str | None, timeout: int, stderr: bool, env: Any) -> dict[str, Any]:
        """Run a command as sos does: split, wildcards expanded, with a time limit; store what it prints."""
        self.ran.append(cmd)
        words = split(cmd, old=not isinstance(self, New))
        changed = {key: value for key, value in {**os.environ, **(env or {})}.items() if value}
        try:
            ran = subprocess.run(
                ["timeout", f"{timeout}s", *words], stdout=subprocess.PIPE, check=False, env=changed,
                stderr=subprocess.STDOUT if stderr else subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            return {"status": 127, "output": ""}
        if ran.returncode in (126, 127):
            return {"status": ran.returncode, "output": ""}
        mangled = re.sub(r"[^\w\-./]+", "_", re.sub(r"^/(usr/|)(bin|sbin)/", "", name)).replace("/", ".").strip(" ._-")
        path = self.archive.folder / "sos_commands" / self.plugin_name / (subdir or "") / mangled
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ran.stdout)
        return {"status": ran.returncode, "output": ran.stdout, "filename": str(path)}


class Old(Base):
    """sos 4.0: options are tuples, `collect` is the driver."""

    def defaults(self) -> dict[str, Any]:
        return {name: default for name, _desc, _speed, default in self.option_list}

    def get_cmd_output_path(self, name: str | None = None, make: bool = True) -> str:
        path = self.archive.folder / "sos_commands" / self.plugin_name
        if make:
            path.mkdir(parents=True)
        return str(path)

    def collect_cmd_output(
        self, cmd: str, suggest_filename: str | None = None, root_symlink: bool = False, timeout: int = 300,
        stderr: bool = True, chroot: bool = True, runat: str | None = None, env: Any = None, binary: bool = False,
        sizelimit: int | None = None, pred: Any = None, subdir: str | None = None, tags: Any = (),
    ) -> dict[str, Any]:  # fmt: skip
        return self.execute(cmd, suggest_filename or cmd, subdir, timeout, stderr, env)

    def collect(self) -> None:
        pass

    def drive(self) -> None:
        self.collect()


class New(Old):
    """sos 4.12: options are objects, `collect` is a hook that may raise, masked commands exist."""

    skip_commands: tuple[str, ...] = ()

    def defaults(self) -> dict[str, Any]:
        return {option.name: option.default for option in self.option_list}

    def collect_cmd_output(  # type: ignore[override]
        self, cmd: str, suggest_filename: str | None = None, root_symlink: bool = False, timeout: int | None = None,
        stdin: str | None = None, stderr: bool = True, chroot: bool = True, runat: str | None = None, env: Any = None,
        binary: bool = False, sizelimit: int | None = None, pred: Any = None, changes: bool = False,
        foreground: bool = False, subdir: str | None = None, tags: Any = (), runas: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        return self.execute(cmd, suggest_filename or cmd, subdir, timeout or 300, stderr, env)


class PluginOpt:
    """An option, as newer versions declare it."""

    def __init__(
        self, name: str = "undefined", default: Any = None, desc: str = "", long_desc: str = "", val_type: Any = None
    ) -> None:
        self.name, self.default, self.desc = name, default, desc


def _plugins(version: str) -> ModuleType:
    module = ModuleType("sos.report.plugins")
    module.Plugin = Old if version == "4.0" else New  # type: ignore[attr-defined]
    for tag in ("RedHatPlugin", "UbuntuPlugin", "DebianPlugin", "SuSEPlugin", "IndependentPlugin"):
        setattr(module, tag, type(tag, (), {}))
    if version != "4.0":
        module.PluginOpt = PluginOpt  # type: ignore[attr-defined]
    return module


@contextmanager
def loaded(version: str, file: Path = FILE) -> Iterator[Any]:
    """Import the plugin's file the way sos of that version does, and give its module."""
    stand_in = _plugins(version)
    report, sos = ModuleType("sos.report"), ModuleType("sos")
    report.plugins = stand_in  # type: ignore[attr-defined]
    names = {"sos": sos, "sos.report": report, "sos.report.plugins": stand_in}
    sys.modules.update(names)
    try:
        spec = importlib.util.spec_from_file_location("sos.report.plugins.sosmlx", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        for name in names:
            del sys.modules[name]
