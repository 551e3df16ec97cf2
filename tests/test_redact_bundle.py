"""A redacted bundle: whole, marked, the same for a reader, and without anything that names a host, card or user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.opening import open_source
from sosmlx.bundle.read import read_bundle
from sosmlx.bundle.verify import verify
from sosmlx.bundle.write import Meta, contents, write
from sosmlx.cli import main
from sosmlx.cli.redact import leaks, redacted
from sosmlx.diff.compare import Comparison, compare_bundles
from sosmlx.fwctl.commands import QUERIES
from sosmlx.fwctl.items import IDENTITIES, ItemHeader, ItemType, pack_header, type_word
from sosmlx.fwctl.layout import identities
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.model import Setting
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.parsers.ticket import decode
from sosmlx.record import HOST, Access, Answer, Bundle, Call, Record
from sosmlx.redact.key import Key, load, load_or_make
from tests import fixtures, registers

KEY = Key(bytes(range(32)))
META = Meta("zz-canary-7.site.example", datetime(2026, 11, 24, tzinfo=timezone.utc), "0a1b2c3d", label="zz-canary-7 up")

CANARIES = """
zz-canary-7 zz-canary-7.site.example root@zz-canary-7
b8:ce:f6:ca:9a:21 B8-CE-F6-CA-9A-21 b8ce.f6ca.9a21 b8cef6ca9a21 0000b8cef6ca9a21 0xb8cef6ca9a21 enxb8cef6ca9a21
b8cef60300ca9a21 b8ce:f603:00ca:9a21 0xb8cef60300ca9a21 b8:ce:f6:03:00:ca:9a:21 b8-ce-f6-03-00-ca-9a-21
fe80::bace:f6ff:feca:9a21/64 fe80:0000:0000:0000:bace:f6ff:feca:9a21 2001:db8:ca9a:21::ca9a:2121 fe80::ba:ca9a
172.29.211.37/16 ::ffff:172.29.211.37 MT99ZZ0CANARY7
0ca9a217-1111-4222-8333-ca9a21ca9a21 /home/zzcanary/bundles user=zzcanary zzcanary@site.example
netroot=iscsi:zzcanary:zzs3cret@172.29.211.37::3260::iqn.2020-01.example.site:zzcanary nfsroot=172.29.211.37:/zz
rd.iscsi.password=zzs3cret https://zzcanary:zzs3cret@zz-canary-7.site.example/ks nqn.2014-08.example.site:zzcanary
/dev/disk/by-id/scsi-3600508b1ca9a21 SerialNumber: MT99ZZ0OTHER1 Vendor SN : ZZCANARY zzcanary@zz-canary-7
acct="zzcanary" uid=1001(zzcanary) ruser=zzcanary 172.29.211.37-172.29.211.37
"""
GONE = re.compile(
    r"zz-?canary|zzs3cret|ca[:.-]?9a[:.-]?21|ca9a:21|ca,0x9a|ca 0x9a|ca\\x9a|ac1dd3|d31dac"
    r"|211\.37|172\.29|MT99ZZ0|0ca9a217|site\.example",
    re.I,
)
WHO = (
    Record("w1", "kernel.line", "kernel", HOST, Answer(b"zz-canary-7\n"), path="/proc/sys/kernel/hostname"),
    Record("w2", "pci.link", "pci", HOST, Answer(b"serial_number MT99ZZ0CANARY7 mac b8:ce:f6:ca:9a:21"), path="/x"),
    Record("w3", "devlink.info", "devlink", "0000:3b:00.0", Answer(json.dumps({"info": {"pci/0000:3b:00.0": {
        "driver": "mlx5_core", "serial_number": "MT99ZZ0CANARY7", "versions": {"fixed": {"fw.psid": "MT_0000000359"}},
    }}}).encode())),
)  # fmt: skip
"""What tells the canaries as a host's own: its name, and a card's serial."""


def left(record: Record) -> list[str]:
    """Redact a record beside those that say whose it is, and list what is left of the canaries, wherever it is."""
    after, meta = redacted([*WHO, record], META, KEY)
    texts = {name: data.decode("utf-8", "replace") for name, data in contents(after, meta)}
    return [
        f"{name}: {match[0]}" for name, text in {**texts, "name": meta.name}.items() for match in GONE.finditer(text)
    ]


@pytest.mark.parametrize("kind", sorted(PARSERS))
def test_no_canary_survives_in_a_record_of_any_kind(kind: str) -> None:
    texts = [fixtures.text(*case) for case in fixtures.cases() if case[0] == kind]
    numbers = "\0" * 16 if kind == "fwctl.info" else ""
    answer = Answer((numbers + "\n".join(texts) + CANARIES).encode(), stderr=CANARIES.encode(), reason=CANARIES)
    record = Record("r1", kind, "law", "0000:3b:00.0/enxb8cef6ca9a21", answer, ("ethtool", "-i", "enxb8cef6ca9a21"))

    assert left(record) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "/home/zzcanary/x"},
        {"argv": ("mstconfig", "-d", "/home/zzcanary/mst", "--host", "zz-canary-7")},
        {"subject": "0000:3b:00.0/enxb8cef6ca9a21"},
        {"answer": Answer(b"x", reason="zz-canary-7 said no", tool="/home/zzcanary/bin/ethtool")},
    ],
)
def test_no_canary_survives_in_what_the_index_says(changed: dict[str, object]) -> None:
    read = Record("r1", "net.attribute", "law", HOST, Answer(b"x"), ("true",))
    record = replace(read, **changed)  # type: ignore[arg-type]

    assert left(record) == []


NAMED = {
    "mac": "b8cef6ca9a21", "guid": "b8cef60300ca9a21", "gid": "fe80000000000000bacef6fffeca9a21", "ip": "ac1dd325",
    "serial": b"MT99ZZ0CANARY7".hex(), "name": b"zzcanary".hex(), "uuid": "0ca9a217111142228333ca9a21ca9a21",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(name for name, row in REGISTERS.items() if identities(row.fields)))
def test_identities_in_a_register_are_replaced_where_its_layout_has_them(name: str) -> None:
    image = bytearray(REGISTERS[name].size)
    for whose in identities(REGISTERS[name].fields):
        canary = bytes.fromhex(NAMED[whose.identity])[: whose.width // 8]
        image[whose.offset // 8 : whose.offset // 8 + len(canary)] = canary
    record = Record("r", f"register.{name.lower()}", "fwctl", "0000:3b:00.0", Answer(bytes(16) + bytes(image)),
                    register=Access("fwctl0", name))  # fmt: skip

    after = redacted([record], META, KEY)[0][0]

    found = [canary for canary in NAMED.values() if bytes.fromhex(canary) in after.data]
    assert (found, len(after.data), after.data[:16]) == ([], len(record.data), bytes(16))


@pytest.mark.parametrize("name", sorted(name for name, query in QUERIES.items() if identities(query.told)))
def test_identities_in_a_command_are_replaced_where_its_layout_has_them(name: str) -> None:
    answer = bytearray(QUERIES[name].answer)
    for whose in identities(QUERIES[name].told):
        canary = bytes.fromhex(NAMED[whose.identity]).rjust(whose.width // 8, b"\0")[-whose.width // 8 :]
        answer[whose.offset // 8 : whose.offset // 8 + len(canary)] = canary
    record = Record("r", "law", "fwctl", "0000:3b:00.0", Answer(bytes(answer)), mailbox=Call("fwctl0", name))

    after = redacted([record], META, KEY)[0][0]

    found = [canary for canary in NAMED.values() if bytes.fromhex(canary) in after.data]
    assert (found, len(after.data)) == ([], len(record.data))


@pytest.mark.parametrize(("cls", "index"), sorted(IDENTITIES))
def test_identities_in_a_flash_item_are_replaced_where_its_map_has_them(cls: int, index: int) -> None:
    payload = bytearray(256)
    for offset, _, identity in IDENTITIES[cls, index]:
        canary = b"172.29.211.37" if identity == "ip" else bytes.fromhex(NAMED[identity])
        payload[offset : offset + len(canary)] = canary
    item = pack_header(ItemHeader(length=256, type=type_word(ItemType(cls, index)))) + bytes(payload)
    record = Record("r", "register.mnvda", "fwctl", "0000:3b:00.0", Answer(bytes(16) + item),
                    register=Access("fwctl0", "MNVDA"))  # fmt: skip

    after = redacted([record], META, KEY)[0][0]

    canaries = [*map(bytes.fromhex, NAMED.values()), b"172.29.211.37"]
    assert ([c for c in canaries if c in after.data], len(after.data)) == ([], len(record.data))


@pytest.mark.parametrize(
    ("register", "data"),
    [
        (Access("fwctl0", "UNHEARD"), bytes(16) + b"zz-canary-7\0\xb8\xce\xf6\xca\x9a\x21"),
        (Access("fwctl0", "MNVDA"), bytes(16) + pack_header(ItemHeader(length=12, type=0x00FFFF)) + b"zz-canary-7\0"),
        (Access("fwctl0", "MCAM"), bytes(16) + b"zz-canary-7" + bytes(61)),
        (None, b"\1\0\2\xb8\xce\xf6\xca\x9a\x21 zz-canary-7"),
    ],
)
def test_bytes_that_nobody_can_map_become_a_digest_of_the_same_length(register: Access | None, data: bytes) -> None:
    record = Record("r", "pci.config", "pci", HOST, Answer(data), path="" if register else "/x", register=register)

    after = redacted([record], META, KEY)[0][0]

    assert (b"canary-7" in after.data, b"\xca\x9a\x21" in after.data, len(after.data)) == (False, False, len(data))


def test_a_text_in_pieces_is_redacted_as_one() -> None:
    text = b"VPD SN: MT99ZZ0CANARY7 of b8:ce:f6:ca:9a:21".ljust(48, b"\0")
    records = [
        Record(f"p{at}", "register.mqis", "fwctl", "0000:3b:00.0", Answer(bytes(32) + text[at : at + 8]),
               register=Access("fwctl0", "MQIS", (("info_type", 4), ("read_offset", at), ("read_length", 8))))
        for at in range(0, 48, 8)
    ]  # fmt: skip

    after = redacted([*WHO, *records], META, KEY)[0][len(WHO) :]

    joined = b"".join(record.data[32:] for record in after)
    assert (GONE.findall(joined.decode()), [len(record.data) for record in after]) == ([], [40] * 6)


@given(st.sampled_from(sorted(REGISTERS)), st.binary(max_size=300))
def test_any_answer_of_a_register_keeps_its_length_and_header(name: str, data: bytes) -> None:
    record = Record("r", f"register.{name.lower()}", "fwctl", HOST, Answer(data), register=Access("fwctl0", name))

    after = redacted([record], META, KEY)[0][0]

    assert (len(after.data), after.data[:16]) == (len(data), data[:16])


def numbers(settings: Iterator[object]) -> list[object]:
    """List the values of what is no identity, as they are."""
    return [
        (item.name, name, facet.value, facet.raw)
        for item in settings
        if isinstance(item, Setting) and item.cls != "identity"
        for name, facet in item.facets
        if isinstance(facet.value, (int, bool)) or facet.raw.replace(".", "").isdigit()
    ]


ADDRESSES = (
    "bridge.fdb", "ip.addr", "ethtool.rss", "ethtool.flows", "tc.filter", "show_gids.show", "ip.link",
    "devlink.monitor",
)  # fmt: skip
"""Kinds whose fixtures hold addresses in values or names that are no identity: of peers and rules."""


@pytest.mark.parametrize(("kind", "name"), [case for case in fixtures.cases() if case[0] not in ADDRESSES])
def test_numbers_versions_and_switches_stay_as_they_are(kind: str, name: str) -> None:
    record = replace(fixtures.record(kind, name), answer=Answer(fixtures.text(kind, name).encode()))
    after = redacted([record], META, KEY)[0][0]

    found = (
        list(PARSERS[kind].parse(decode(record.data), record))
        if fixtures.parsed(kind, name)[:12] != '[["refused",'
        else []
    )
    again = list(PARSERS[kind].parse(decode(after.data), record)) if found else []

    assert numbers(iter(again)) == numbers(iter(found))


@pytest.mark.parametrize(("folder", "case"), registers.cases())
def test_a_firmware_answer_says_the_same_but_for_identities(folder: str, case: str) -> None:
    records = registers.records(folder, case)
    parser = registers.parser(folder, case)

    after = redacted(records, META, KEY)[0]

    assert numbers(parser(after)) == numbers(parser(records))


def simulated(*when: str) -> list[Bundle]:
    return [open_source(f"sim:two-adapters-{word}") for word in when]


def again(bundle: Bundle) -> Bundle:
    after, meta = redacted(bundle.records, replace(META, host=bundle.host), KEY)
    return replace(bundle, records=tuple(after), host=meta.host, redacted=meta.redacted)


def test_a_diff_of_two_redacted_bundles_finds_the_same_differences() -> None:
    before, after = simulated("before", "after")

    plain = compare_bundles(before, after)
    made = compare_bundles(again(before), again(after))

    def rows(found: Comparison) -> Sequence[object]:
        return sorted((row.device, row.plane, row.name, row.facet, row.change, row.cls) for row in found.differences)

    def values(found: Comparison) -> Sequence[object]:
        return sorted(
            (row.device, row.name, row.facet, row.left and row.left.raw, row.right and row.right.raw)
            for row in found.differences
            if row.cls != "identity"
        )

    matched = [[(match.match, match.left, match.right) for match in found.matches] for found in (plain, made)]
    assert (rows(made), values(made), matched[1], made.notes) == (rows(plain), values(plain), matched[0], plain.notes)


def test_a_diff_says_where_two_keys_differ() -> None:
    (before,) = simulated("before")

    found = compare_bundles(again(before), replace(again(before), redacted="0123456789abcdef"))

    assert [KEY.id in note and "0123456789abcdef" in note for note in found.notes] == [True]


def test_a_redacted_bundle_is_intact_and_says_that_it_is_redacted(tmp_path: Path) -> None:
    bundle = open_source("sim:two-adapters-before")
    path = write(*redacted(bundle.records, replace(META, host="n07"), KEY), str(tmp_path))

    evidence = [row.text for row in normalise(read_bundle(path)).evidence if row.kind == "bundle.redacted"]
    assert (verify(path)[1], "n07" in Path(path).name, evidence) == (
        [],
        False,
        [f"names, addresses and serials are tokens of the key {KEY.id}"],
    )


def test_nothing_of_a_simulated_host_is_found_again_by_the_scan() -> None:
    bundle = open_source("sim:two-adapters-before")
    meta = replace(META, host=bundle.host)

    assert leaks(bundle.records, meta, *redacted(bundle.records, meta, KEY)) == []


@pytest.mark.parametrize(
    ("planted", "what"),
    [
        (b"\xb8\xce\xf6\xca\x9a\x21", "MAC as bytes"),
        (b"\x21\x9a\xca\xf6\xce\xb8", "MAC as bytes"),
        (b"b8.CE.f6.ca.9a.21", "MAC"),
        (b"MT99ZZ0CANARY7", "serial"),
        (b"ZZ-Canary-7", "host name"),
    ],
)
def test_the_scan_finds_what_was_planted(planted: bytes, what: str) -> None:
    after, meta = redacted(WHO, META, KEY)
    spoiled = [*after, Record("9", "net.attribute", "x", HOST, Answer(b"a " + planted + b" b"), path="/x")]

    assert [leak.what for leak in leaks(WHO, META, spoiled, meta)] == [what]


def test_a_bundle_is_redacted_from_the_command_line_and_only_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ["--key", str(tmp_path / "key")]
    assert (
        main(["collect", "--source", "sim:two-adapters-before", "-o", str(tmp_path), "--label", "n07", "--quiet"]) == 0
    )
    plain = capsys.readouterr().out.strip()

    codes = [main(["redact", plain, "-o", str(tmp_path / "red"), "--verify", *key])]
    made = capsys.readouterr().out.strip()
    codes += [main(["verify", made]), main(["redact", made, *key])]

    assert (codes, "n07" in made, "redacted already, with this key" in capsys.readouterr().err) == (
        [0, 0, 2],
        False,
        True,
    )


def test_collecting_with_redaction_writes_what_redacting_later_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, folder = ["--key", str(tmp_path / "key")], str(tmp_path)
    argv = ["collect", "--source", "sim:two-adapters-before", "-o", folder, "--format", "dir", "--quiet"]
    main([*argv, "--redact", *key])
    at_once = read_bundle(capsys.readouterr().out.strip())
    main(argv)
    main(["redact", capsys.readouterr().out.strip(), "-o", folder, *key])
    later = read_bundle(capsys.readouterr().out.strip())

    assert [(row.kind, row.subject, row.data) for row in at_once.records] == [
        (row.kind, row.subject, row.data) for row in later.records
    ]


FORMS = {
    "show": "json jsonl csv md html",
    "diff": "json jsonl csv md html sarif xml",
    "check": "json csv md html sarif xml",
}


@pytest.mark.parametrize("command", sorted(FORMS))
def test_a_result_says_nothing_of_whose_it_is(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for when in ("before", "after")[: 2 if command == "diff" else 1]:
        main(["collect", "--source", f"sim:two-adapters-{when}", "-o", str(tmp_path / "acme"), "--quiet"])
        paths.append(capsys.readouterr().out.strip())
    devices = normalise(open_source(paths[0])).devices
    own = {word for device in devices for word in (device.serial, device.board, device.asic) if word}
    files = [tmp_path / f"result.{suffix}" for suffix in FORMS[command].split()]

    main([command, *paths, "--redact", "--key", str(tmp_path / "k"), *(f"-o{path}" for path in files)])

    said = {path.suffix: path.read_text() for path in files} | {"text": capsys.readouterr().out}
    words = (*own, "n07", "/acme", str(tmp_path))
    assert ([(form, word) for form, text in said.items() for word in words if word in text], len(own) > 1) == ([], True)


def test_a_key_is_kept_for_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"

    key = load_or_make(str(path))

    assert (path.stat().st_mode & 0o777, load(str(path)), key.secret.hex() in repr(key), len(key.id)) == (
        0o600,
        key,
        False,
        16,
    )


def test_a_key_that_others_can_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key"
    path.write_text("00" * 32)
    path.chmod(0o644)

    code = main(["show", "sim:two-adapters-before", "--redact", "--key", str(path)])

    assert (code, "others can read this key" in capsys.readouterr().err) == (2, True)


def test_a_row_of_a_dump_has_no_address_or_serial_that_the_bundle_knows() -> None:
    mac = bytes.fromhex("b8cef6ca9a21")
    rows = [b"\x01\x02" + mac + bytes(8), bytes(4) + mac[::-1] + b"\x07" * 6, b"SN" + b"MT99ZZ0CANARY7"]
    dump = "\n".join(f"{16 * at:02x}: {row.hex(' ')}" for at, row in enumerate(rows)).encode()
    record = Record("r", "lspci.show", "law", HOST, Answer(dump), ("lspci", "-xxx"))

    after = redacted([*WHO, record], META, KEY)[0][-1].data

    left = bytes.fromhex(re.sub(r"(?m)^\w\w:", "", after.decode()))
    found = [word for word in (mac, mac[::-1], b"CANARY") if word in left]
    assert (found, len(after), left[:2], left[8:20]) == ([], len(dump), b"\1\2", bytes(12))


@pytest.mark.parametrize("asked", [["--raw", "w2"], ["--brief"], ["--format", "csv"]])
def test_what_is_shown_of_a_plain_bundle_has_tokens(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(WHO, META, str(tmp_path))

    main(["show", path, "--redact", "--key", str(tmp_path / "k"), *asked])

    said = capsys.readouterr().out
    assert (GONE.findall(said), bool(said)) == ([], True)


def test_a_redacted_source_is_not_redacted_again_and_none_is_mixed_with_a_plain_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write(WHO, META, str(tmp_path))
    made = write(*redacted(WHO, META, KEY), str(tmp_path))
    key = ["--redact", "--key", str(tmp_path / "k")]

    codes = [main(["show", made, "--format", "csv"]), main(["show", made, "--format", "csv", *key])]
    once, again = (
        part for part in [capsys.readouterr().out] for part in (part[: len(part) // 2], part[len(part) // 2 :])
    )
    codes.append(main(["diff", plain, made, *key]))

    assert (codes[:2], once == again, codes[2], "redacted already" in capsys.readouterr().err) == (
        [0, 0],
        True,
        2,
        True,
    )


def test_an_identity_that_only_a_binary_answer_holds_is_found_in_a_text(tmp_path: Path) -> None:
    image = bytearray(REGISTERS["MSGI"].size)
    image[:14] = b"XX99ZZ0CANARY7"
    told = Record("r1", "register.msgi", "fwctl", "0000:3b:00.0", Answer(bytes(16) + bytes(image)),
                  register=Access("fwctl0", "MSGI"))  # fmt: skip
    said = Record("r2", "net.attribute", "law", HOST, Answer(b"card XX99ZZ0CANARY7 up"), path="/x")

    after = redacted([told, said], META, KEY)[0]

    token = after[1].data[5:19]
    assert (b"CANARY" in after[1].data, after[0].data[16:30]) == (False, token)
