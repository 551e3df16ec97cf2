"""The key of a redaction: random, 0600, kept by the customer; a bundle holds its id, so that two can be told apart."""

from __future__ import annotations

import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from sosmlx.bundle.place import make_folder
from sosmlx.errors import InputError, SosmlxError

SIZE = 32
"""Bytes of a key."""


@dataclass(frozen=True)
class Key:
    """A key and where it came from; an empty path is a key of this run alone. It is never shown."""

    secret: bytes = field(repr=False)
    path: str = ""

    @property
    def id(self) -> str:
        """Sixteen characters that say which key it is, and nothing of what it holds."""
        return hmac.digest(self.secret, b"sosmlx redaction key id", "sha256").hex()[:16]


def fresh() -> Key:
    """Make a key for this run alone."""
    return Key(os.urandom(SIZE))


def default_path() -> str:
    """Name the file that holds the key where none was named: in the user's own folder of state."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # root's own, whatever sudo left in the environment
        import pwd

        return f"{pwd.getpwuid(0).pw_dir}/.local/state/sosmlx/redact.key"
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local/state"
    return str(base / "sosmlx/redact.key")


def load(path: str) -> Key:
    """Read a key: 64 hexadecimal digits in a file that nobody else can read. Raises InputError."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(handle, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * SIZE)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "name the key's file with --key FILE") from None
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: not a file", "name the key's file with --key FILE")
    if os.name == "posix" and mode & 0o077:
        raise InputError(f"{path}: others can read this key (mode {stat.S_IMODE(mode):o})", f"chmod 600 {path}")
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SIZE:
        raise InputError(f"{path}: not a key ({2 * SIZE} hexadecimal digits)", "name another file with --key FILE")
    return Key(secret, path)


def load_or_make(path: str) -> Key:
    """Read the key of that file, or make one and write it there with mode 0600. Raises InputError, SosmlxError."""
    if os.path.lexists(path):
        return load(path)
    key = Key(os.urandom(SIZE), path)
    try:
        make_folder(str(Path(path).absolute().parent))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        handle = os.open(path, flags, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key.secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:  # another run was faster: its key counts
        return load(path)
    except OSError as error:
        raise SosmlxError(f"{path}: the key could not be kept: {error.strerror or error}", "name --key FILE") from None
    return key
