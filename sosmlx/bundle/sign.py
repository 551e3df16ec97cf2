"""Sign the list of check sums, and check such a signature: with gpg or minisign, detached, beside the list.

The list covers every other member, so that whoever trusts the key can trust the bundle. A signature is made before the
archive is, and is not in the list. Formats: gpg's status lines (GnuPG doc/DETAILS: GOODSIG, VALIDSIG, BADSIG, EXPSIG,
EXPKEYSIG, REVKEYSIG, ERRSIG); minisign's files begin with `untrusted comment:` (minisign(1)).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from sosmlx.bundle.gpg import ALONE, fingerprint, keyring, program
from sosmlx.errors import InputError, SosmlxError, UsageError
from sosmlx.sources.run import SEARCH, ToolError, find, stream

SUFFIXES = {"gpg": ".asc", "minisign": ".minisig"}
"""What a signature's member is called: the name of the list, and this."""

SIGNATURE_CAP = 64 << 10
_STATUS = re.compile(r"\[GNUPG:\] (\w+) ?(.*)")
_MINISIGN = b"untrusted comment:"
_HEADS = {"gpg": b"-----BEGIN PGP SIGNATURE-----", "minisign": _MINISIGN}


class Signer(NamedTuple):
    """With what a list is signed: the tool, and the key's full fingerprint (gpg) or secret file (minisign)."""

    tool: str
    key: str


class Signed(NamedTuple):
    """What is known of a bundle's signature; `state` is `unsigned`, `good`, `unchecked` or `bad`."""

    state: str
    words: str


def signer(key: str) -> Signer:
    """Read what `--sign` names, and try it out: a key that needs a passphrase which no agent has shows here.

    Raises UsageError for what is no key, SosmlxError where the tool is missing or refuses.
    """
    if fingerprint(key):
        found = Signer("gpg", fingerprint(key))
    elif _begins(key, _MINISIGN):
        found = Signer("minisign", os.path.abspath(key))
    else:
        raise UsageError(
            f"{key}: no key to sign with",
            "give the full fingerprint of a GPG key, or the file of a minisign secret key",
        )
    signature(b"", found)
    return found


def _begins(path: str, head: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(head)) == head
    except OSError:
        return False


def signature(data: bytes, by: Signer, search: Sequence[str] = SEARCH) -> bytes:
    """Sign bytes and return the signature's file. Raises SosmlxError.

    The bytes go in and the signature comes out through pipes: nothing lies in a file meanwhile. minisign hashes what it
    signs (`-H`), so that it can read from one.
    """
    if by.tool == "gpg":
        argv = [program(), *ALONE, "--pinentry-mode", "error", "--homedir", keyring(), "--local-user", by.key,
                "--armor", "--detach-sign"]  # fmt: skip
    else:
        argv = ["minisign", "-S", "-H", "-s", by.key, "-m", "/dev/stdin", "-x", "/dev/stdout"]
    try:
        made = b"".join(stream(argv, [data], search=search))
        if not made.startswith(_HEADS[by.tool]):
            raise ToolError(f"{by.tool} gave no signature")
    except ToolError as error:
        raise SosmlxError(
            f"the bundle could not be signed, and nothing was written: {error}",
            "the key must need no passphrase, or gpg's agent must have it",
        ) from None
    return made


def check(data: bytes, found: dict[str, bytes], trust: str = "") -> Signed:
    """Check the signatures of a list (`found`: by tool) with the public key in a file, or the caller's GPG keyring.

    Raises InputError where `trust` cannot be read.
    """
    key = _key(trust)
    minisign = key.startswith(_MINISIGN)
    tool = "minisign" if minisign else "gpg" if key else next(iter(found), "")
    if tool not in found:
        return Signed("unsigned", "unsigned" if not found else f"not signed with {tool}")
    try:
        if tool == "gpg":
            return _checked_gpg(data, found[tool], key)
        return _checked_minisign(data, found[tool], key, trust) if key else Signed(
            "unchecked", "signed with minisign, not checked: --trust FILE names the public key"
        )  # fmt: skip
    except ToolError as error:
        return Signed("unchecked", f"signed, not checked: {error}")


def _key(path: str) -> bytes:
    if not path:
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "name the file of a public key") from None


def _checked_gpg(data: bytes, made: bytes, key: bytes) -> Signed:
    with tempfile.TemporaryDirectory(prefix="sosmlx-") as folder:
        home = ["--no-autostart", "--homedir", folder] if key else ["--homedir", keyring()]
        if key:
            list(stream([program(), *ALONE, *home, "--import"], [key]))
        argv = [program(), *ALONE, *home, "--trust-model", "always", "--status-fd", "1", "--verify",
                _put(folder, "sig.asc", made), "-"]  # fmt: skip
        lines: list[bytes] = []
        try:
            lines.extend(stream(argv, [data]))
        except ToolError as error:
            if not lines:  # it did not come to judge: there is no gpg, or no signature in the file
                said = Signed("bad", f"its signature is none that gpg can read ({error})")
                return said if find(argv[0]) else Signed("unchecked", f"signed, not checked: {error}")
    return _judged(b"".join(lines).decode("utf-8", "replace"))


def _judged(status: str) -> Signed:
    """Read gpg's status lines: only a valid signature, by a key that is neither expired nor revoked, is good."""
    said = {match[1]: match[2] for match in map(_STATUS.match, status.splitlines()) if match}
    bad = next((word for word in ("BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG") if word in said), "")
    if bad:
        return Signed("bad", f"its signature is bad ({bad}: {said[bad]})")
    if "GOODSIG" in said and "VALIDSIG" in said:
        return Signed("good", f"signed by {said['GOODSIG'].partition(' ')[2]} ({said['VALIDSIG'].split()[-1]})")
    if "NO_PUBKEY" in said:
        return Signed("unchecked", f"signed by key {said['NO_PUBKEY']}, which is not in the keyring: not checked")
    return Signed("bad", "its signature is none that gpg can read")


def _checked_minisign(data: bytes, made: bytes, key: bytes, name: str) -> Signed:
    if not find("minisign"):
        return Signed("unchecked", "signed, not checked: there is no minisign here")
    with tempfile.TemporaryDirectory(prefix="sosmlx-") as folder:
        argv = ["minisign", "-V", "-p", _put(folder, "key", key), "-m", _put(folder, "sums", data), "-x",
                _put(folder, "sig", made)]  # fmt: skip
        try:
            list(stream(argv, []))
        except ToolError as error:
            return Signed("bad", f"its signature is bad, or by another key ({error})")
    return Signed("good", f"signed by the key in {name}")


def _put(folder: str, name: str, data: bytes) -> str:
    path = os.path.join(folder, name)
    with open(path, "xb") as file:
        file.write(data)
    return path
