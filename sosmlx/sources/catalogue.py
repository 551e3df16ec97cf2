"""An installed vendor catalogue (mstflint's or MFT's `mlxconfig_host.db`, SQLite): its rows as a document of ours.

It is read by root, from a file that others made: so the file and every folder above it must belong to root, and SQLite
is told to trust nothing in it. Only the tables `tlvs` and `params` are read, as ordinary tables, by columns that are
named here; what they describe is `sosmlx.fwctl.catalogue`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from sosmlx.fwctl.catalogue import MOST_PARAMS, MOST_TLVS, SCHEMA
from sosmlx.jsonio import dumps
from sosmlx.sources.trust import above, fault

if TYPE_CHECKING:
    import sqlite3

SIZE_CAP = 32 << 20
"""Bytes that the file may have; it has half a MiB."""

TEXT_CAP = 8 << 20
"""Characters that the cells of one table may have together; they have a quarter of a million."""

STEPS = 20_000_000
"""Steps of SQLite's machine that reading may take; it takes a hundredth."""

_EVERY = 1_000


class _Table(NamedTuple):
    """A table that is read: columns that must be there, columns that one may lack, and how many rows at most."""

    name: str
    needed: tuple[str, ...]
    perhaps: tuple[str, ...]
    most: int


_TABLES = (
    _Table("tlvs", ("name", "id", "class", "size"), ("target", "cap", "version", "mlxconfig_name"), MOST_TLVS),
    _Table(
        "params",
        ("name", "tlv_name", "offset", "size", "type"),
        ("textual_values", "mlxconfig_name", "dependency", "valid_bit", "supported_from_version", "array_length"),
        MOST_PARAMS,
    ),
)


def read_catalogue(path: str, steps: int = STEPS) -> bytes:
    """Read an installed catalogue and give its rows as a JSON document, without descriptions; empty cells are left out.

    Symbolic links are followed, and what they lead to is judged. Raises OSError where the file cannot be read, and
    ValueError where it is not to be trusted, is no such catalogue, or takes more steps than these.
    """
    # Late, because a Python may come without it, and nothing else here needs it.
    try:
        import sqlite3
    except ImportError:
        raise ValueError("this Python cannot read SQLite files") from None
    real = os.path.realpath(path)
    digest = _digest(real)
    try:
        with closing(sqlite3.connect(f"file:{quote(os.fsencode(real))}?mode=ro&immutable=1", uri=True)) as database:
            _guard(database, steps)
            rows = {table.name: list(_rows(database, table)) for table in _TABLES}
    except sqlite3.Error as error:
        raise ValueError(f"{path}: not a catalogue of flash parameters ({error})") from None
    document = {"schema": SCHEMA, "version": "1.0", "path": path, "sha256": digest, **rows}
    return dumps(document, indent=None).encode()


def _digest(path: str) -> str:
    """Check that nobody but root (or we ourselves) can have made this file, and give its SHA-256."""
    for folder in above(path):
        _trusted(folder, os.stat(folder))
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path}: not a regular file")
        _trusted(path, status)
        data = file.read(SIZE_CAP + 1)
    if len(data) > SIZE_CAP:
        raise ValueError(f"{path}: more than {SIZE_CAP} bytes")
    return hashlib.sha256(data).hexdigest()


def _trusted(path: str, status: os.stat_result) -> None:
    """Raise ValueError where others could have put something there."""
    found = fault(path, status)
    if found:
        raise ValueError(found)


def _guard(database: sqlite3.Connection, steps: int) -> None:
    """Trust nothing in the file, write nothing, and stop after so many steps."""
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "mmap_size=0"):
        database.execute(f"PRAGMA {pragma}")
    left = iter(range(steps // _EVERY))
    database.set_progress_handler(lambda: next(left, None) is None, _EVERY)


def _rows(database: sqlite3.Connection, table: _Table) -> Iterator[Mapping[str, object]]:
    """Yield the rows of one table in its own order. Raises ValueError where it is none, or none of this layout."""
    there = _columns(database, table.name)
    missing = [name for name in table.needed if name not in there]
    if missing:
        raise ValueError(f"table {table.name} has no column {missing[0]}")
    names = [name for name in (*table.needed, *table.perhaps) if name in there]
    quoted = ", ".join(f'"{name}"' for name in names)
    # Not user input: the names are those of this module.
    found = database.execute(f'SELECT {quoted} FROM main."{table.name}" LIMIT {table.most + 1}')  # noqa: S608
    characters = 0
    for number, row in enumerate(found):
        characters += sum(len(value) for value in row if isinstance(value, str))
        if number == table.most or characters > TEXT_CAP:
            raise ValueError(f"table {table.name} has more than {table.most} rows or {TEXT_CAP} characters")
        yield {name: value for name, value in zip(names, row) if isinstance(value, (int, str)) and value != ""}


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    """Name the stored columns of an ordinary table: no view, no virtual table, nothing that is computed on reading."""
    kinds = database.execute(
        "SELECT type, rootpage FROM main.sqlite_master WHERE lower(name) = ? AND type IN ('table', 'view')", (table,)
    ).fetchall()
    if [kind for kind, _ in kinds] != ["table"] or not kinds[0][1]:
        raise ValueError(f"{table} is not an ordinary table")
    return {row[1] for row in database.execute(f"PRAGMA main.table_xinfo({table})") if not row[6]}
