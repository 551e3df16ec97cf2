"""A signed collection: by whom it was signed is said by `verify`, and a signature that is none is never passed over."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sosmlx.bundle.read import contents, read_bundle
from sosmlx.bundle.sign import Signer, check, signature, signer
from sosmlx.bundle.verify import signed, verify
from sosmlx.bundle.write import CHECKSUMS, MANIFEST, write
from sosmlx.cli import main
from sosmlx.errors import SosmlxError, UsageError
from sosmlx.normalise import normalise
from sosmlx.policy.envelope import judge
from tests.test_bundle import META, RECORDS

TOOLS = [name for name in ("gpg", "minisign") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.provided,
    pytest.mark.skipif(bool(TOOLS), reason=f"not on this machine: {', '.join(TOOLS)}"),
]
KINDS = ("gpg", "minisign")


class Keys(NamedTuple):
    """One key of each tool, and another of each that has signed nothing."""

    home: Path
    fingerprint: str

    def secret(self, kind: str) -> str:
        return self.fingerprint if kind == "gpg" else str(self.home / "mine.key")

    def public(self, kind: str, whose: str = "mine") -> str:
        return str(self.home / f"{whose}.{kind}")


def tool(*words: object) -> bytes:
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, input=b"").stdout


def gpg_key(home: Path, name: str, passphrase: str = "") -> str:
    home.mkdir(mode=0o700, exist_ok=True)
    gpg = ("gpg", "--batch", "--homedir", home, "--passphrase", passphrase, "--pinentry-mode", "loopback")
    tool(*gpg, "--quick-gen-key", name, "ed25519", "sign", "never")
    listed = tool(*gpg, "--list-keys", "--with-colons").decode().splitlines()
    return next(line.split(":")[9] for line in listed if line.startswith("fpr"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    home = tmp_path_factory.mktemp("k")
    fingerprint = gpg_key(home / "g", "host n07")
    gpg_key(home / "h", "somebody else")
    for whose, folder in (("mine", "g"), ("other", "h")):
        (home / f"{whose}.gpg").write_bytes(tool("gpg", "--batch", "--homedir", home / folder, "--export"))
        tool("minisign", "-G", "-W", "-p", home / f"{whose}.minisign", "-s", home / f"{whose}.key")
    yield Keys(home, fingerprint)
    for folder in ("g", "h"):
        subprocess.run(["gpgconf", "--homedir", str(home / folder), "--kill", "all"], check=False, capture_output=True)


@pytest.fixture(autouse=True)
def _keyring(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(keys.home / "g"))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(keys: Keys, kind: str, tmp_path: Path) -> Path:
    """A signed bundle, as a folder, so that a test can change a file of it."""
    meta = dataclasses.replace(META, signer=signer(keys.secret(kind)))
    return Path(write(RECORDS, meta, str(tmp_path / "b"), "dir"))


def states(folder: Path, trust: str = "") -> str:
    return signed(contents(str(folder)), trust).state


def test_a_signed_bundle_is_intact_and_good_for_the_key_that_signed_it(folder: Path, keys: Keys, kind: str) -> None:
    assert (verify(str(folder))[1], states(folder, keys.public(kind))) == ([], "good")


def test_a_key_that_did_not_sign_it_is_not_satisfied(folder: Path, keys: Keys, kind: str) -> None:
    assert states(folder, keys.public(kind, "other")) in ("bad", "unchecked")


def test_the_callers_keyring_is_asked_where_no_key_is_named(folder: Path, kind: str) -> None:
    assert states(folder) == {"gpg": "good", "minisign": "unchecked"}[kind]


def test_a_list_that_was_changed_has_a_bad_signature(folder: Path, keys: Keys, kind: str) -> None:
    text = (folder / CHECKSUMS).read_text()
    (folder / CHECKSUMS).write_text(text.replace(text[0], "f" if text[0] != "f" else "0", 1))

    assert states(folder, keys.public(kind)) == "bad"


@pytest.mark.parametrize("how", ["--sign", "--clear-sign", "--export"])
def test_another_message_of_the_same_key_is_no_signature_of_the_list(keys: Keys, how: str) -> None:
    home = ("gpg", "--batch", "--homedir", keys.home / "g")
    made = tool(*home, "--armor", how)

    assert check(b"sums", {"gpg": made}, keys.public("gpg")).state == "bad"


@pytest.mark.parametrize(
    "made", [b"", b"x" * 200_000, b"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n"]
)
def test_a_signature_that_is_none_is_bad(folder: Path, keys: Keys, kind: str, made: bytes) -> None:
    [path] = [path for path in folder.iterdir() if path.name.startswith(f"{CHECKSUMS}.")]
    path.write_bytes(made)

    assert states(folder, keys.public(kind)) == "bad"


def test_a_member_that_was_changed_is_still_found(folder: Path) -> None:
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes() + b"\n")

    assert any(MANIFEST in damage for damage in verify(str(folder))[1])


def code(*words: object) -> int:
    return main([str(word) for word in words])


def test_verify_ends_well_for_the_right_key_only(
    folder: Path, keys: Keys, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trusts = [keys.public(kind), keys.public(kind, "other"), keys.home / "nothing"]

    assert [code("verify", folder, "--trust", trust) for trust in trusts] == [0, 2, 2]
    assert "signed by" in capsys.readouterr().out


def test_a_bundle_that_nobody_signed_says_so_and_satisfies_no_key(
    keys: Keys, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(RECORDS, META, str(tmp_path), "tar.xz")

    codes = (code("verify", path), code("verify", path, "--trust", keys.public(kind)))
    said = capsys.readouterr()
    assert (codes, said.out.endswith("unsigned\n"), "unsigned" in said.err) == ((0, 2), True, True)


def test_a_collection_is_signed_and_encrypted_at_once(
    keys: Keys, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("age") is None:
        pytest.skip("not on this machine: age")
    tool("age-keygen", "-o", tmp_path / "age.key")
    recipient = tool("age-keygen", "-y", tmp_path / "age.key").decode().strip()

    words = ["collect", "--source", "sim:two-adapters-before", "-o", tmp_path / "out", "--quiet"]
    code(*words, "--sign", keys.secret(kind), "--encrypt-to", recipient)
    path = capfd.readouterr().out.strip()
    (tmp_path / "plain.tar.xz").write_bytes(tool("age", "-d", "-i", tmp_path / "age.key", path))
    assert code("verify", tmp_path / "plain.tar.xz", "--trust", keys.public(kind)) == 0


@pytest.mark.parametrize("wrong", ["nobody", "0" * 40, "host n07"])
def test_a_wrong_key_ends_before_anything_is_read(wrong: str, tmp_path: Path) -> None:
    assert (code("collect", "-o", tmp_path / "out", "--sign", wrong), (tmp_path / "out").exists()) == (2, False)


def test_a_key_whose_passphrase_nobody_has_ends_it(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "p"))
    locked = gpg_key(tmp_path / "p", "locked", "a phrase")
    subprocess.run(["gpgconf", "--homedir", str(tmp_path / "p"), "--kill", "all"], check=True)

    with pytest.raises(SosmlxError, match="could not be signed"):
        signer(locked)
    subprocess.run(["gpgconf", "--homedir", str(tmp_path / "p"), "--kill", "all"], check=False)


@pytest.mark.parametrize("script", ["exit 0", "cat", "echo untrusted comment: x; exit 1", "exec sleep 0"])
def test_a_tool_that_gives_no_signature_is_not_believed(script: str, tmp_path: Path) -> None:
    (tmp_path / "minisign").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "minisign").chmod(0o755)

    with pytest.raises(SosmlxError, match="could not be signed"):
        signature(b"sums", Signer("minisign", "x.key"), (str(tmp_path),))


def test_a_key_that_is_no_key_is_said_to_be_none() -> None:
    with pytest.raises(UsageError, match="no key to sign with"):
        signer("/etc/hostname")


def test_a_revoked_key_is_not_good(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "r"))
    revoked = gpg_key(tmp_path / "r", "left the company")
    made = signature(b"sums", Signer("gpg", revoked))
    text = (tmp_path / f"r/openpgp-revocs.d/{revoked}.rev").read_text().replace(":-----BEGIN", "-----BEGIN")
    (tmp_path / "rev").write_text(text)
    tool("gpg", "--batch", "--homedir", tmp_path / "r", "--import", tmp_path / "rev")

    assert check(b"sums", {"gpg": made}).state == "bad"
    subprocess.run(["gpgconf", "--homedir", str(tmp_path / "r"), "--kill", "all"], check=False)


def test_the_verdict_says_whether_there_is_a_signature(folder: Path, tmp_path: Path) -> None:
    sentences = [
        judge(normalise(read_bundle(path))).host.sentence
        for path in (str(folder), write(RECORDS, META, str(tmp_path / "plain"), "dir"))
    ]

    assert ["unsigned" in said for said in sentences] == [False, True]
