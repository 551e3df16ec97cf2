"""Recognise what is encrypted by its first bytes, and say how it is opened: we never hold a key that opens one.

Formats: age (C2SP age.md: a file begins with `age-encryption.org/v1`), OpenPGP (RFC 9580, 4.2 and 5: a message for
recipients begins with a packet of type 1, a public key with one of type 6).
"""

from __future__ import annotations

import os

from sosmlx.errors import InputError

AGE_HEAD = b"age-encryption.org/v1\n"
ENCRYPTED, PUBLIC_KEY = 1, 6

_ARMOURS = {b"-----BEGIN AGE ENCRYPTED FILE-----": "age", b"-----BEGIN PGP MESSAGE-----": "gpg"}
_OPEN = {"age": "age -d -i KEYFILE -o {plain} {name}", "gpg": "gpg -o {plain} -d {name}"}


def packet(data: bytes) -> int:
    """Return the type of the OpenPGP packet that bytes begin with, or 0 where they begin with none.

    >>> packet(bytes([0x85])), packet(bytes([0x99])), packet(b"-----BEGIN")
    (1, 6, 0)
    """
    first = data[0] if data else 0
    if not first & 0x80:
        return 0
    return first & 0x3F if first & 0x40 else (first & 0x3C) >> 2


def encrypted_by(head: bytes) -> str:
    """Tell from the first bytes of a file what encrypted it: "age", "gpg", or empty.

    >>> encrypted_by(AGE_HEAD + b"-> X25519 "), encrypted_by(b"Device #1:")
    ('age', '')
    """
    if head.startswith(AGE_HEAD):
        return "age"
    armoured = next((tool for begin, tool in _ARMOURS.items() if head.startswith(begin)), "")
    return armoured or ("gpg" if packet(head) == ENCRYPTED else "")


def refuse_encrypted(path: str, head: bytes) -> None:
    """Raise InputError for an encrypted file, with the command that opens it."""
    tool = encrypted_by(head)
    if tool:
        name = os.path.basename(path)
        plain = name[: -len(tool) - 1] if name.endswith(f".{tool}") else "bundle.tar.xz"
        command = _OPEN[tool].format(plain=plain, name=name)
        raise InputError(f"{path}: encrypted with {tool}", f"open it first, where its key is: {command}")
