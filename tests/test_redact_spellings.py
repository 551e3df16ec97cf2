"""Identities in spellings that are told by what a bundle knows, and in dumps of which nobody knows anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.cli import main
from sosmlx.cli.redact import leaks, redacted
from sosmlx.normalise import normalise
from sosmlx.record import HOST, Answer, Record
from tests.test_redact_bundle import KEY, META, left

LOOSE = r"""
b8ce:f6ca:9a21 b8cef6-ca9a21 b8ce-f6ca-9a21 0xb8,0xce,0xf6,0xca,0x9a,0x21 0xb8 0xce 0xf6 0xca 0x9a 0x21
\xb8\xce\xf6\xca\x9a\x21 bacef6fffeca9a21 0xbacef6fffeca9a21 a0000208fe80000000000000b8cef60300ca9a21
20010db8ca9a0021bacef6fffeca9a21 fe80000000000000bacef6fffeca9a21 ac1dd325/ffffffff 0x25d31dac
/0ca9a217111142228333ca9a21ca9a21/6.1/linux
"""
"""Spellings that are replaced where the bundle knows what they spell."""


def test_no_spelling_of_a_known_address_survives() -> None:
    known = "mac b8:ce:f6:ca:9a:21 inet 172.29.211.37/16"
    kept = "24.10-1.1.4.0 0000000c ac1dee99 b8:01 uid=0 user is Serial: 8250/16550 0xffffffff"

    record = Record("r1", "net.attribute", "law", HOST, Answer(f"{known}{LOOSE}{kept}".encode()), path="/x")

    assert (left(record), redacted([record], META, KEY)[0][0].data.decode().endswith(kept)) == ([], True)


@pytest.mark.parametrize(
    ("kind", "dump", "rest"),
    [
        ("devlink.region-dump", '{"address":256,"data":[184,206,246,202,154,33]}', ("256", 6)),
        ("devlink.health-dump", '{"syndrome":256,"core":[1,2,3],"data":[ 184, 206, 246, 202, 154, 33 ]}', ("256", 6)),
        ("devlink.region-dump", "0000000000000256 b8 ce f6 ca 9a 21\n", ("256", 6)),
    ],
)
def test_the_bytes_of_a_dump_become_a_digest(kind: str, dump: str, rest: tuple[str, int]) -> None:
    record = Record("r1", kind, "law", HOST, Answer(dump.encode()), ("true",))

    after = redacted([record], META, KEY)[0][0].data.decode()

    held = re.search(r"256\D+(?:core.*?\])?\D*((?:[0-9a-f]{2,3}\W+)+)", after)
    data = re.findall("[0-9a-f]+", held[1]) if held else []
    assert (rest[0] in after, len(data), "9a 21" in after, "154" in after) == (True, rest[1], False, False)


@pytest.mark.parametrize(
    ("planted", "what"),
    [
        ("2001:db8:ca9a:21::ca9a:2121", "IPv6"),
        ("2001:0DB8:ca9a:0021:0:0:ca9a:2121", "IPv6"),
        ("fe80::bace:f6ff:feca:9a21", "MAC in an IPv6 address"),
    ],
)
def test_the_scan_finds_an_ipv6_address_however_it_is_spelled(planted: str, what: str) -> None:
    told = b"mac b8:ce:f6:ca:9a:21 inet6 2001:db8:ca9a:21::ca9a:2121/64"
    before = [Record("1", "ip.addr", "law", HOST, Answer(told), path="/x")]
    after, meta = redacted(before, META, KEY)
    spoiled = [*after, Record("9", "net.attribute", "x", HOST, Answer(f"a {planted} b".encode()), path="/x")]

    found = [{leak.what for leak in leaks(before, META, records, meta)} for records in (after, spoiled)]

    assert found == [set(), {what}]


def test_a_saved_result_is_redacted_without_what_it_was_made_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, page = tmp_path / "diff.json", tmp_path / "page.html"
    main(["diff", "sim:two-adapters-before", "sim:two-adapters-after", "-o", str(saved)])
    serials = [device.serial for device in normalise(open_source("sim:two-adapters-before")).devices]

    main(["render", str(saved), "--redact", "--key", str(tmp_path / "k"), "-o", str(page)])

    text = page.read_text() + capsys.readouterr().out
    assert ([serial in text for serial in serials], all(serials)) == ([False, False], True)
