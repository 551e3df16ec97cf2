"""An installed vendor catalogue: read where it can be trusted, refused where not, and right about real payloads."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sosmlx.collectors.fwctl import PLACES
from sosmlx.fwctl.catalogue import MOST_TLVS, PAYLOAD, SCHEMA, Catalogue, Param, Tlv, builtin, extended
from sosmlx.fwctl.expression import holds
from sosmlx.fwctl.items import header, parse_type
from sosmlx.fwctl.nvconfig import NvValue, display_name, shows, values
from sosmlx.sources.catalogue import SIZE_CAP, TEXT_CAP, read_catalogue

DATA = Path(os.environ.get("SOSMLX_SHARED", Path(__file__).parents[2] / "shared")) / "data"
DATABASE = DATA / "mlxconfig_host.db"
TRACE = DATA / "mstconfig-fwctl" / "mstconfig_q.trace"

provided = pytest.mark.provided
needs_data = pytest.mark.skipif(not DATABASE.is_file(), reason="no vendor's data (SOSMLX_SHARED names its folder)")

TLVS = "CREATE TABLE tlvs(name TEXT, id INT, target TEXT, cap INT, version TEXT, description TEXT, size INT, class INT)"
PARAMS = (
    "CREATE TABLE params(name TEXT, tlv_name TEXT, offset TEXT, size TEXT, type TEXT, description TEXT, "
    "textual_values TEXT, mlxconfig_name TEXT, dependency TEXT, supported_from_version INT, array_length INT)"
)
ROWS = (
    "INSERT INTO tlvs VALUES('nv_new', 300, 'NIC', 0, '0', 'prose', 4, 0)",
    "INSERT INTO params VALUES('f', 'nv_new', '0x0.0', '0x0.8', 'ENUM', 'prose', 'A=0x1', 'NEW', '', 0, NULL)",
)


def database(path: Path, *statements: str) -> str:
    """Make a database, by default a small catalogue."""
    with closing(sqlite3.connect(path)) as made:
        for statement in statements or (TLVS, PARAMS, *ROWS):
            made.execute(statement)
        made.commit()
    path.chmod(0o644)
    return str(path)


def test_the_rows_of_a_catalogue_are_read_without_prose(tmp_path: Path) -> None:
    path = database(tmp_path / "host.db")

    found = json.loads(read_catalogue(path))

    digest = found.pop("sha256")
    assert (found, re.fullmatch("[0-9a-f]{64}", digest) is not None) == (
        {
            "schema": SCHEMA,
            "version": "1.0",
            "path": path,
            "tlvs": [
                {"name": "nv_new", "id": 300, "class": 0, "size": 4, "target": "NIC", "cap": 0, "version": "0"}
            ],
            "params": [
                {
                    "name": "f", "tlv_name": "nv_new", "offset": "0x0.0", "size": "0x0.8", "type": "ENUM",
                    "textual_values": "A=0x1", "mlxconfig_name": "NEW", "supported_from_version": 0,
                }
            ],
        },
        True,
    )  # fmt: skip


def test_reading_twice_gives_the_same_bytes_and_leaves_no_trace(tmp_path: Path) -> None:
    path = database(tmp_path / "host.db")
    before = (tmp_path / "host.db").read_bytes()

    found = {read_catalogue(path) for _ in range(2)}

    assert (len(found), (tmp_path / "host.db").read_bytes(), [path.name for path in tmp_path.iterdir()]) == (
        1,
        before,
        ["host.db"],
    )


def test_what_was_read_extends_the_built_in_catalogue(tmp_path: Path) -> None:
    found = extended(builtin(), read_catalogue(database(tmp_path / "host.db")))

    tlv = Tlv("nv_new", 0, 300, 4, 0, (Param("nv_new", 0, "f", "NEW", 24, 8, "ENUM", labels=(("A", 1),)),))
    assert found == Catalogue((*builtin().tlvs, tlv))


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    database(tmp_path / "host.db")
    link = tmp_path / "link.db"
    link.symlink_to("host.db")

    found = json.loads(read_catalogue(str(link)))

    assert (found["path"], len(found["tlvs"])) == (str(link), 1)


@pytest.mark.parametrize("name", ["a b.db", "%41.db", "a?mode=rwc.db", "a#b.db", "ä.db", "'.db"])
def test_a_path_is_taken_as_it_is(name: str, tmp_path: Path) -> None:
    path = database(tmp_path / name)

    found = json.loads(read_catalogue(path))

    assert (found["path"], len(found["params"])) == (path, 1)


def test_cells_of_a_wrong_type_are_left_out(tmp_path: Path) -> None:
    tlvs, params = TLVS.replace(" INT", ""), PARAMS.replace(" TEXT", "").replace(" INT", "")
    row = "INSERT INTO params VALUES('f', x'00ff', 1.5, NULL, 7, '', '', '', CAST(x'61ff62' AS TEXT), 0, 0)"

    found = json.loads(read_catalogue(database(tmp_path / "host.db", tlvs, params, row)))

    assert found["params"] == [
        {"name": "f", "type": 7, "dependency": "a\ufffdb", "supported_from_version": 0, "array_length": 0}
    ]


COMPUTED = TLVS.replace("name TEXT,", "name TEXT GENERATED ALWAYS AS (hex(zeroblob(9999))) VIRTUAL,")
MANY_TLVS = (
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000) INSERT INTO tlvs(id) SELECT i FROM n"
)
MANY_PARAMS = MANY_TLVS.replace("tlvs(id)", "params(name)")
LONG = "INSERT INTO tlvs(name) VALUES (hex(zeroblob(5000000)))"


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("CREATE TABLE other(x)",), "tlvs is not an ordinary table"),
        ((TLVS,), "params is not an ordinary table"),
        (("CREATE TABLE t(x)", "CREATE VIEW tlvs AS SELECT * FROM t"), "tlvs is not an ordinary table"),
        ((TLVS, "CREATE VIEW params AS SELECT * FROM tlvs"), "params is not an ordinary table"),
        (("CREATE TABLE tlvs(name TEXT, id INT, class INT)",), "table tlvs has no column size"),
        ((COMPUTED, PARAMS), "table tlvs has no column name"),
        ((TLVS, PARAMS, MANY_TLVS), f"more than {MOST_TLVS} rows"),
        ((TLVS, PARAMS, LONG), f"or {TEXT_CAP} characters"),
    ],
)
def test_a_database_that_is_no_catalogue_is_refused(statements: tuple[str, ...], words: str, tmp_path: Path) -> None:
    path = database(tmp_path / "host.db", *statements)

    with pytest.raises(ValueError, match=re.escape(words)):
        read_catalogue(path)


def test_a_virtual_table_is_refused(tmp_path: Path) -> None:
    virtual = "INSERT INTO sqlite_master VALUES('table', 'tlvs', 'tlvs', 0, 'CREATE VIRTUAL TABLE tlvs USING none(x)')"
    path = database(tmp_path / "host.db", "CREATE TABLE t(x)", "PRAGMA writable_schema=ON", virtual)

    with pytest.raises(ValueError, match="tlvs is not an ordinary table"):
        read_catalogue(path)


def test_reading_stops_after_so_many_steps(tmp_path: Path) -> None:
    path = database(tmp_path / "host.db", TLVS, PARAMS, MANY_PARAMS)

    with pytest.raises(ValueError, match="interrupted"):
        read_catalogue(path, steps=2_000)


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "host.db").write_bytes(data)

    with pytest.raises(ValueError, match=r"not a catalogue|not an ordinary table"):
        read_catalogue(str(tmp_path / "host.db"))


def test_a_file_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path / "host.db")
    Path(path).chmod(0o646)

    with pytest.raises(ValueError, match="db: everybody can write to it"):
        read_catalogue(path)


def test_a_file_in_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    (folder / "deeper").mkdir(parents=True)
    path = database(folder / "deeper" / "host.db")
    folder.chmod(0o777)

    with pytest.raises(ValueError, match="open: everybody can write to it"):
        read_catalogue(path)


def test_a_sticky_folder_is_acceptable(tmp_path: Path) -> None:
    folder = tmp_path / "sticky"
    folder.mkdir()
    path = database(folder / "host.db")
    folder.chmod(0o1777)

    assert json.loads(read_catalogue(path))["path"] == path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path / "host.db")
    os.chown(path, 12345, 0)

    with pytest.raises(ValueError, match="belongs to user 12345, not to root"):
        read_catalogue(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = database(tmp_path / "host.db")
    os.truncate(path, SIZE_CAP + 1)

    with pytest.raises(ValueError, match=f"more than {SIZE_CAP} bytes"):
        read_catalogue(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o644)

    with pytest.raises(ValueError, match="not a regular file"):
        read_catalogue(str(tmp_path / "fifo"))


@pytest.mark.parametrize("name", ["absent.db", "absent/host.db"])
def test_a_catalogue_that_is_not_there_is_told_by_the_system(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_catalogue(str(tmp_path / name))


def test_the_places_are_whole_paths_and_no_two_the_same() -> None:
    names = {place.name for place in map(Path, PLACES) if place.is_absolute()}

    assert (names, len(set(PLACES))) == ({"mlxconfig_host.db"}, len(PLACES))


def vendors() -> Catalogue:
    """Read the vendor's own catalogue, from a place where it can be trusted."""
    return extended(builtin(), read_catalogue(str(DATABASE)))


@provided
@needs_data
def test_the_vendors_catalogue_is_read_whole() -> None:
    with closing(sqlite3.connect(f"file:{DATABASE}?immutable=1", uri=True)) as made:
        rows = made.execute("SELECT count(*) FROM params UNION ALL SELECT count(*) FROM tlvs").fetchall()
        long = made.execute(
            "SELECT count(*) FROM params JOIN tlvs ON tlv_name = tlvs.name WHERE class = 6 AND tlvs.size > 256"
        ).fetchone()[0]

    found = vendors()

    fields = sum(len(tlv.params) for tlv in found)
    assert ([(fields + found.left_out,), (len(found),)], found.left_out < long) == (rows, True)


@provided
@needs_data
def test_the_built_in_rows_do_not_contradict_the_vendors() -> None:
    nothing = Catalogue(())

    theirs = extended(nothing, read_catalogue(str(DATABASE)))

    ours = {param.key: _layout(param) for tlv in builtin() for param in tlv.params}
    assert ours.items() <= {param.key: _layout(param) for tlv in theirs for param in tlv.params}.items()


def _layout(param: Param) -> Param:
    return Param(*(getattr(param, name) for name in ("tlv", "cls", "field", "name", "offset", "width", "type", "count",
                                                     "valid_bit", "since", "labels")))  # fmt: skip


def exchanges(register: str) -> Iterator[tuple[int, bytes]]:
    """Yield the type word and the answer's image of each successful read of a register in the trace."""
    place = {"MNVQC": 0, "MNVDA": 1}[register]
    size = {"MNVQC": 8, "MNVDA": 12 + PAYLOAD}[register]
    for line in TRACE.read_text().splitlines():
        match = re.search(rf"reg=\S+ {register} .* in=([0-9a-f ]+) -> st=0x0 out=((?:[0-9a-f]{{8}} ?)+)$", line)
        if match:
            yield int(match[1].split()[place], 16), bytes.fromhex(match[2]).ljust(size, b"\0")


def traced() -> Iterator[tuple[str, NvValue, bool]]:
    """Yield each value that the tool read, its name, and whether it is one that the tool lists."""
    catalogue = vendors()
    versions = {word: image[7] >> 4 for word, image in exchanges("MNVQC")}
    items = {word: image[12 : 12 + header(image).length] for word, image in exchanges("MNVDA")}
    read = [
        (tlv, kind, versions.get(word), list(values(tlv, data)))
        for word, data in items.items() for kind in [parse_type(word)]
        for tlv in [catalogue.tlv(kind.cls, kind.index)] if tlv is not None
    ]  # fmt: skip
    known = {
        row.param.key: int(row.value)
        for _, kind, _, rows in read
        for row in rows
        if isinstance(row.value, int) and kind.port < 2
    }
    for tlv, kind, version, rows in read:
        for row in rows:
            # The tool does not list what depends on an item that the firmware does not have.
            unknown = row.param.visible != "" and holds(row.param.visible, tlv.name, known) is None
            shown = shows(row.param, version, known) and row.param.listed and not unknown and not tlv.capability
            yield display_name(row.param, kind, row.element), row, shown


@provided
@needs_data
def test_the_tools_own_reads_give_what_the_tool_printed() -> None:
    document = json.loads((TRACE.parent / "mstconfig_q.json").read_text())
    printed = {name: str(row["next_value"]) for name, row in document["Device #1"]["tlv_configuration"].items()}

    found = dict(_as_listed(name, row) for name, row, shown in traced() if shown)

    assert found == printed


def _as_listed(name: str, row: NvValue) -> tuple[str, str]:
    """Give a value as a whole listing has it: arrays and byte strings of 256 bytes by their length only."""
    if row.param.count and (row.param.elements or row.param.count == PAYLOAD):
        return name.partition("[")[0], f"Array[0..{row.param.count - 1}]"
    return name, row.raw


def vectors() -> list[str]:
    return sorted(path.stem for path in (DATA / "tlv-vectors").glob("*.raw"))


@provided
@pytest.mark.parametrize("name", vectors() or [pytest.param("none", marks=needs_data)])
def test_what_the_vendors_packer_wrote_reads_as_what_it_was_given(name: str) -> None:
    text = (DATA / "tlv-vectors" / f"{name}.xml").read_text()
    given = {
        (tlv, field): value
        for tlv, body in re.findall(r"<(nv_\w+)(?: [^>]*)?>(.*?)</\1>", text, re.DOTALL)
        for field, value in re.findall(r"<(\w+)>(.*?)</\1>", body)
    }

    found = [{(row.param.tlv, row.param.field): row.label or str(row.value) for row in rows} for rows in _packed(name)]

    assert [row for row in found if not row.items() <= given.items()] == []
    assert {key for row in found for key in row} == set(given)


def _packed(name: str) -> Iterator[list[NvValue]]:
    catalogue = vendors()
    for line in (DATA / "tlv-vectors" / f"{name}.raw").read_text().splitlines():
        raw = b"".join(int(word, 16).to_bytes(4, "big") for word in line.split() if word.startswith("0x"))
        if raw:
            head = header(raw)
            kind = parse_type(head.type)
            tlv = catalogue.tlv(kind.cls, kind.index)
            yield list(values(tlv, raw[12 : 12 + head.length])) if tlv else []
