"""What a device took of itself and the kernel kept: health dumps and snapshots of regions. Told by size and digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sosmlx.model import Evidence, Item
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record


def dump(text: str, record: Record) -> Iterator[Item]:
    """Tell that there is a dump: what is in it only the maker of the firmware can read, and the bundle holds it all."""
    what = " ".join(record.argv[-3:]) or record.kind
    if text.strip():
        data = text.encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(data).hexdigest()[:16]
        yield Evidence("dump.stored", record.subject, f"{what}: {len(data)} bytes, SHA-256 {digest}…", "info")
        yield from (heading(record.subject, line) for line in text.split("\n") if line.strip())


TABLE = (Parser("devlink.health-dump", dump, ("health",)), Parser("devlink.region-dump", dump, ("health",)))
