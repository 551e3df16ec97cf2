"""An encrypted collection: what lands is encrypted or nothing at all, whatever goes wrong and whenever it ends."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sosmlx.bundle.encrypted import encrypted_by, refuse_encrypted
from sosmlx.bundle.opening import open_source
from sosmlx.bundle.seal import Seal, seal, sealed
from sosmlx.bundle.write import write
from sosmlx.cli import main
from sosmlx.errors import InputError, SosmlxError
from sosmlx.sources.run import ToolError, stream
from tests.test_bundle import META, RECORDS

TOOLS = [name for name in ("age", "age-keygen", "gpg") if shutil.which(name) is None]
needs_tools = [
    pytest.mark.provided,
    pytest.mark.skipif(bool(TOOLS), reason=f"not on this machine: {', '.join(TOOLS)}"),
]
HOST = "sim:two-adapters-before"
CANARIES = (b"sosmlx-n07-", b"sosmlx/manifest.json", b"\xfd7zXZ\x00", b"\x1f\x8b\x08\0\0\0\0\0\x02\xff")
"""What a plain bundle of that host would show: its name, its members, the beginning of an archive."""


class Keys(NamedTuple):
    """Key pairs of both tools, in a folder of their own."""

    home: Path
    age: str
    fingerprint: str
    public: Path
    """The GPG key as a file."""

    def opened(self, path: Path) -> bytes:
        """Decrypt with the tool itself."""
        if path.suffix == ".age":
            return tool("age", "-d", "-i", self.home / "age.key", path)
        return tool("gpg", "--batch", "--quiet", "--homedir", self.home, "-d", path)


def tool(*words: object) -> bytes:
    return subprocess.run([str(word) for word in words], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    home = tmp_path_factory.mktemp("k")
    tool("age-keygen", "-o", home / "age.key")
    recipient = tool("age-keygen", "-y", home / "age.key").decode().strip()
    gpg = ("gpg", "--batch", "--homedir", home, "--passphrase", "", "--pinentry-mode", "loopback")
    tool(*gpg, "--quick-gen-key", "a support desk", "ed25519", "sign", "never")
    listed = tool(*gpg, "--list-keys", "--with-colons").decode().splitlines()
    fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
    tool(*gpg, "--quick-add-key", fingerprint, "cv25519", "encr", "never")
    (home / "desk.gpg").write_bytes(tool(*gpg, "--export", fingerprint))
    yield Keys(home, recipient, fingerprint, home / "desk.gpg")
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


def named(keys: Keys, kind: str) -> str:
    ssh = keys.home / "id.pub"
    if not ssh.exists():
        ssh.write_text(f"# the desk\n{keys.age}\n")
    return {"age": keys.age, "file": str(ssh), "fingerprint": keys.fingerprint, "public": str(keys.public)}[kind]


class TestWithTheRealTools:
    """What a receiver gets, and what is left where nothing could be made."""

    pytestmark = needs_tools

    @pytest.mark.parametrize("form", ["tar.xz", "tar.gz"])
    @pytest.mark.parametrize("kind", ["age", "file", "fingerprint", "public"])
    def test_the_receiver_opens_what_was_collected(
        self, keys: Keys, kind: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GNUPGHOME", str(keys.home))

        sealed_path = Path(write(RECORDS, META, str(tmp_path / "sealed"), form, seal([named(keys, kind)])))

        plain = Path(write(RECORDS, META, str(tmp_path / "plain"), form))
        assert (sealed_path.name, keys.opened(sealed_path)) == (
            f"{plain.name}{sealed_path.suffix}", plain.read_bytes(),
        )  # fmt: skip

    def test_each_of_several_receivers_opens_it(self, keys: Keys, tmp_path: Path) -> None:
        tool("age-keygen", "-o", tmp_path / "other.key")
        other = tool("age-keygen", "-y", tmp_path / "other.key").decode().strip()

        path = write(RECORDS, META, str(tmp_path / "out"), "tar.xz", seal([keys.age, other]))

        assert tool("age", "-d", "-i", tmp_path / "other.key", path) == keys.opened(Path(path))

    def test_the_check_sum_beside_it_is_of_what_is_there(self, keys: Keys, tmp_path: Path) -> None:
        path = Path(write(RECORDS, META, str(tmp_path), "tar.xz", seal([keys.age])))

        beside = path.with_name(f"{path.name}.sha256").read_text()
        assert (beside, path.stat().st_mode & 0o777) == (
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n", 0o600,
        )  # fmt: skip

    def test_a_collection_ends_as_without_it_and_names_the_file(
        self, keys: Keys, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        code = main(["collect", "--source", HOST, "-o", str(tmp_path), "--quiet", "--encrypt-to", keys.age])

        path = Path(capfd.readouterr().out.strip())
        assert (code, path.suffix, encrypted_by(path.read_bytes())) == (0, ".age", "age")

    def test_what_was_opened_is_the_bundle_of_that_host(self, keys: Keys, tmp_path: Path) -> None:
        main(["collect", "--source", HOST, "-o", str(tmp_path), "--quiet", "--encrypt-to", str(keys.public)])

        plain = tmp_path / "plain.tar.xz"
        plain.write_bytes(subprocess.run(
            ["gpg", "--batch", "--quiet", "--homedir", str(keys.home), "-d", *map(str, tmp_path.glob("*.gpg"))],
            check=True, capture_output=True,
        ).stdout)  # fmt: skip
        there, here = open_source(str(plain)), open_source(HOST)
        assert [(r.id, r.kind, r.data) for r in there.records] == [(r.id, r.kind, r.data) for r in here.records]

    @pytest.mark.parametrize("wrong", [
        "nobody", "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "0" * 40, "desk@example.org",
        "secret", "text",
    ])  # fmt: skip
    def test_a_wrong_recipient_ends_before_anything_is_written(
        self,
        keys: Keys,
        wrong: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("GNUPGHOME", str(keys.home))
        (tmp_path / "text").write_text("Device #1:\n")
        key = {"secret": str(keys.home / "age.key"), "text": str(tmp_path / "text")}.get(wrong, wrong)

        code = main(["collect", "--source", HOST, "-o", str(tmp_path / "out"), "--encrypt-to", key])

        assert (code, (tmp_path / "out").exists(), "Traceback" in capsys.readouterr().err) == (2, False, False)

    def test_no_core_dump_is_left_that_would_be_plain(self, keys: Keys) -> None:
        script = "import resource, sys; from sosmlx.bundle.seal import seal; seal(sys.argv[1:]); " \
            "print(*resource.getrlimit(resource.RLIMIT_CORE))"  # fmt: skip

        assert tool(sys.executable, "-c", script, keys.age) == b"0 0\n"

    def test_recipients_of_both_tools_are_not_mixed(self, keys: Keys) -> None:
        with pytest.raises(SosmlxError, match="cannot be mixed"):
            seal([keys.age, str(keys.public)])

    def test_a_gpg_key_that_may_not_be_used_ends_it(self, keys: Keys, tmp_path: Path) -> None:
        gpg = ("gpg", "--batch", "--homedir", tmp_path, "--passphrase", "", "--pinentry-mode", "loopback")
        tool(*gpg, "--quick-gen-key", "signs only", "ed25519", "sign", "never")
        (tmp_path / "sign.gpg").write_bytes(tool(*gpg, "--export"))

        with pytest.raises(SosmlxError, match="could not be encrypted"):
            seal([str(tmp_path / "sign.gpg")])
        subprocess.run(["gpgconf", "--homedir", str(tmp_path), "--kill", "all"], check=False, capture_output=True)

    @pytest.mark.parametrize("armour", [(), ("--armor",)])
    def test_a_file_with_two_gpg_keys_is_refused_because_the_second_could_not_open_it(
        self, keys: Keys, tmp_path: Path, armour: tuple[str, ...]
    ) -> None:
        tool("gpg", "--batch", "--homedir", tmp_path, "--import", keys.public)
        gpg = ("gpg", "--batch", "--homedir", tmp_path, "--passphrase", "", "--pinentry-mode", "loopback")
        tool(*gpg, "--quick-gen-key", "another desk", "default", "default", "never")
        (tmp_path / "both.gpg").write_bytes(tool("gpg", "--batch", "--homedir", tmp_path, *armour, "--export"))

        with pytest.raises(InputError, match="holds 2 keys"):
            seal([str(tmp_path / "both.gpg")])
        subprocess.run(["gpgconf", "--homedir", str(tmp_path), "--kill", "all"], check=False, capture_output=True)

    def test_an_encrypted_bundle_is_known_and_says_how_it_is_opened(self, keys: Keys, tmp_path: Path) -> None:
        path = write(RECORDS, META, str(tmp_path), "tar.xz", seal([keys.age]))

        with pytest.raises(InputError, match="encrypted with age") as caught:
            open_source(path)
        assert "age -d -i KEYFILE" in caught.value.hint

    @pytest.mark.parametrize("number", range(12))
    def test_a_kill_at_any_point_leaves_what_is_encrypted_or_nothing(
        self, keys: Keys, number: int, tmp_path: Path
    ) -> None:
        """Half of the points lie anywhere in the run, half where the bundle is being written."""
        out, temporary = tmp_path / "out", tmp_path / "tmp"
        temporary.mkdir()
        key = keys.age if number % 2 else str(keys.public)
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", "sosmlx", "collect", "--source", HOST, "-o", str(out), "--encrypt-to", key],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(temporary)},
        )  # fmt: skip
        pick = random.Random(number)
        until = time.monotonic() + 30
        while number >= 6 and process.poll() is None and not any(out.glob(".*")) and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(pick.uniform(0, 0.03 if number >= 6 else 0.7))
        process.send_signal(signal.SIGKILL)
        process.wait()

        left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".sha256"}
        plain = [path for path, data in left.items() if any(canary in data for canary in CANARIES)]
        foreign = [path for path, data in left.items() if out in path.parents and data and not encrypted_by(data)]
        assert (plain, foreign) == ([], [])


def fake(folder: Path, script: str) -> tuple[str, ...]:
    (folder / "age").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "age").chmod(0o755)
    return (str(folder),)


BIG = [b"x" * 65_536] * 64

FAULTS = {
    "hands plain bytes through": ("exec cat", "not encrypted"),
    "gives nothing": ("cat >/dev/null", "gave nothing"),
    "dies at once": ("exit 3", "exit code 3"),
    "dies in the middle": ("echo age-encryption.org/v1; head -c 100000 >/dev/null; exit 0", "took only a part"),
    "says why it fails": ("echo no such key >&2; exit 1", "no such key"),
    "ends well, and closed its input": ("exec <&-; echo age-encryption.org/v1; sleep 0.2", "took only a part"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_tool_that_fails_leaves_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, words = FAULTS[name]
    search = fake(tmp_path, script)

    with pytest.raises(SosmlxError, match=words):
        list(sealed(BIG, Seal("age", ("age1x",)), search))


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(SosmlxError, match="age: no such program"):
        list(sealed([b""], Seal("age", ("age1x",)), (str(tmp_path),)))


def test_a_bundle_whose_encryption_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(SosmlxError):
        write(RECORDS, META, str(tmp_path / "out"), "tar.xz", Seal("age", ("age1nobody",)))

    assert list((tmp_path / "out").iterdir()) == []


def test_a_stream_passes_whole_through_a_program() -> None:
    assert b"".join(stream(["cat"], [b"", *BIG, b"", b"end"])) == b"".join(BIG) + b"end"


def test_a_program_that_takes_nothing_and_gives_nothing_is_ended() -> None:
    with pytest.raises(ToolError, match="took and gave nothing"):
        list(stream(["sleep", "60"], BIG, patience=0.2))


def test_a_program_ends_with_the_stream_that_was_given_up() -> None:
    passing = stream(["cat"], iter(lambda: b"x" * 4096, b""))
    next(passing)

    passing.close()  # type: ignore[attr-defined]

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_post_quantum_recipient_is_one_of_age(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"age1pq1{'q' * 1950}\n")

    with pytest.raises(SosmlxError, match="could not be encrypted"):
        seal([str(tmp_path / "key")])  # read as a recipient; this one is made up, and an age before 1.3 knows none


@pytest.mark.parametrize("text", [b"", b"Device #1:", "Gerät".encode(), "Ærø".encode("utf-16"), b"\xfd7zXZ\x00"])
def test_nothing_else_is_taken_for_encrypted(text: bytes) -> None:
    refuse_encrypted("x", text)

    assert encrypted_by(text) == ""
