"""Encrypt a bundle on its way to the disk: to age or GPG recipients, by their own tools, so that nothing plain lands.

An age recipient is Bech32 with the prefix `age1`, or `age1pq1` where it is a post-quantum one (age 1.3), or the line of
an ssh public key (C2SP age.md). A GPG recipient is a full fingerprint (40 or 64 digits) out of the caller's keyring, or
a public key as a file.
"""

from __future__ import annotations

import os
import re
import resource
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sosmlx.bundle.encrypted import AGE_HEAD, PUBLIC_KEY, encrypted_by, packet
from sosmlx.bundle.gpg import ALONE, fingerprint, keyring, program
from sosmlx.errors import InputError, SosmlxError, UsageError
from sosmlx.sources.run import SEARCH, ToolError, stream

_AGE = re.compile(r"age1(?:pq1)?[02-9ac-hj-np-z]{10,4000}\Z")
_SSH = re.compile(r"ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]{40,4000}(?: [^\n]*)?\Z")
_SECRET = re.compile(rb"AGE-SECRET-KEY-|BEGIN [A-Z ]*PRIVATE KEY")
_ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"

_KEY_CAP = 1 << 20
_ADVICE = "an age recipient (age1…), an ssh public key, a full GPG fingerprint, or a file with a public key"


class Seal(NamedTuple):
    """To whom a bundle is encrypted: the tool's name, recipients as its words, and public GPG keys as their bytes."""

    tool: str
    recipients: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()

    @property
    def suffix(self) -> str:
        """What is added to the archive's name."""
        return f".{self.tool}"


def seal(keys: Sequence[str]) -> Seal | None:
    """Read what `--encrypt-to` names, and try it out on nothing; no key is no seal.

    From then on neither this process nor what it starts leaves a core dump: that would be plain.

    Raises UsageError, InputError for a key that is none, and SosmlxError where its tool is missing or refuses.
    """
    read = [_read(key) for key in keys]
    tools = {one.tool for one in read}
    if len(tools) > 1:
        raise UsageError("recipients of age and of GPG cannot be mixed", "name keys of one kind")
    if not read:
        return None
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = Seal(
        tools.pop(),
        tuple(word for one in read for word in one.recipients),
        tuple(key for one in read for key in one.keys),
    )
    for _ in sealed([b""], found):  # a wrong key shows before a host is read, not after
        pass
    return found


def _read(key: str) -> Seal:
    if fingerprint(key):
        return Seal("gpg", (fingerprint(key),))
    if _AGE.match(key) or _SSH.match(key):
        return Seal("age", (key,))
    if _SECRET.search(key.encode("utf-8", "replace")):
        raise UsageError("a secret key was given to encrypt to", "give its public key, and make a new secret one")
    try:
        with open(key, "rb", opener=_regular) as file:
            data = file.read(_KEY_CAP)
    except OSError as error:
        raise UsageError(f"{key}: neither a key nor a file with one ({error.strerror})", f"give {_ADVICE}") from None
    return _of_file(key, data)


def _regular(path: str, flags: int) -> int:
    """Open without waiting for anybody: a pipe, as `<(command)` gives, is read as far as it is filled."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)


def _of_file(path: str, data: bytes) -> Seal:
    if _SECRET.search(data):
        raise InputError(f"{path}: holds a secret key", "give the file with its public key")
    if len(data) == _KEY_CAP:
        raise InputError(f"{path}: too large for a key", f"give {_ADVICE}")
    if _ARMOUR in data or packet(data) == PUBLIC_KEY:
        _one_key(path, data)
        return Seal("gpg", keys=(data,))
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    words = [line for line in lines if line and not line.startswith("#")]
    wrong = next((line for line in words if not _AGE.match(line) and not _SSH.match(line)), "")
    if wrong or not words:
        raise InputError(f"{path}: holds no public key ({wrong[:40]!r})", f"give {_ADVICE}")
    return Seal("age", tuple(words))


def _one_key(path: str, data: bytes) -> None:
    """Refuse a file with several keys: gpg would take the first and say nothing of the others."""
    with tempfile.TemporaryDirectory(prefix="sosmlx-") as home:
        argv = [program(), *ALONE, "--no-autostart", "--homedir", home, "--with-colons", "--import-options",
                "show-only", "--import"]  # fmt: skip
        try:
            listed = b"".join(stream(argv, [data]))
        except ToolError as error:
            raise _failed(str(error)) from None
    count = sum(line.startswith(b"pub:") for line in listed.splitlines())
    if count > 1:
        raise InputError(
            f"{path}: holds {count} keys, of which gpg would take the first",
            "give a file for each, with --encrypt-to again",
        )


def sealed(chunks: Iterable[bytes], to: Seal, search: Sequence[str] = SEARCH) -> Iterator[bytes]:
    """Yield the encrypted bytes of a stream, as it comes. Raises SosmlxError where the tool fails, at any point.

    The first bytes must be those of an encrypted file: a program that hands plain bytes through is caught by that.
    """
    with tempfile.TemporaryDirectory(prefix="sosmlx-") as folder:
        argv = _age(to) if to.tool == "age" else _gpg(to, folder)
        head = b""
        checked = False
        try:
            for chunk in stream(argv, chunks, search=search):
                head = head if checked else head + chunk
                if not checked and len(head) >= len(AGE_HEAD):
                    checked, chunk = _is_encrypted(head, to), head
                if checked:
                    yield chunk
        except ToolError as error:
            raise _failed(str(error)) from None
    if not checked:
        raise _failed(f"{to.tool} gave nothing")


def _is_encrypted(head: bytes, to: Seal) -> bool:
    if encrypted_by(head) != to.tool:
        raise _failed(f"{to.tool} gave something that is not encrypted")
    return True


def _failed(why: str) -> SosmlxError:
    return SosmlxError(f"the bundle could not be encrypted, and nothing was written: {why}", f"give {_ADVICE}")


def _age(to: Seal) -> list[str]:
    return ["age", "--encrypt", *(word for one in to.recipients for word in ("-r", one))]


def _gpg(to: Seal, folder: str) -> list[str]:
    """Build gpg's words: no options of a file, no network, nothing written to a keyring.

    A key that was given as a file is used from a private copy, without any keyring. A fingerprint is exact, so that
    nobody's trust in it is asked.
    """
    home = folder
    if to.recipients:
        home = keyring()
        if not os.path.isdir(home):
            raise SosmlxError(f"{home}: no GPG keyring there", "give the public key as a file")
    names = []
    for number, key in enumerate(to.keys):
        names.append(os.path.join(folder, f"key{number}"))
        with open(names[-1], "xb") as file:
            file.write(key)
    argv = [
        program(), *ALONE, "--homedir", home,
        # A keyring may be read through keyboxd (GnuPG 2.4, common.conf), which then has to start.
        *([] if to.recipients else ["--no-autostart"]),
        "--lock-never", "--no-random-seed-file",
        "--trust-model", "always", "--no-encrypt-to", "--no-emit-version",
        "--compress-algo", "none", "--encrypt",
    ]  # fmt: skip
    argv += [word for one in to.recipients for word in ("--recipient", one)]
    argv += [word for name in names for word in ("--recipient-file", name)]
    return argv
