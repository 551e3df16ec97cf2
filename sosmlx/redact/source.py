"""A bundle that was written before, as records and what it says of its own making: so that it can be written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from sosmlx.bundle.read import contents, document, read_bundle, rows
from sosmlx.bundle.write import Meta
from sosmlx.errors import InputError
from sosmlx.record import Bundle


def opened(path: str) -> tuple[Bundle, Meta]:
    """Read a bundle, and what it says of its making. Raises InputError, DamagedError."""
    bundle = read_bundle(path)
    found = contents(path)
    index = found.manifest
    host, security = _object(index.get("host")), _object(index.get("security"))
    euid, budgets = security.get("euid"), _object(index.get("budgets"))
    planned: Sequence[Mapping[str, object]] = rows(document(found, "sosmlx/plan.json"), "reads")
    meta = Meta(
        host=_text(host.get("name")), created=_time(path, _text(index.get("created"))), rand=_rand(path),
        label=_text(index.get("label")), plan=planned, delta=_body(document(found, "sosmlx/delta.json")),
        budgets=budgets, euid=euid if isinstance(euid, int) else -1, complete=index.get("complete") is True,
        redacted=bundle.redacted,
    )  # fmt: skip
    return bundle, meta


def _rand(path: str) -> str:
    """Take the letters that tell bundles of one second apart, where the name still has them."""
    last = path.rstrip("/").rpartition("/")[2].partition(".")[0].rpartition("-")[2]
    return last if len(last) == 8 and set(last) <= set("0123456789abcdef") else "redacted"


def _time(path: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise InputError(f"{path}: its index does not say when it was made ({text[:40]!r})") from None


def _body(document: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in document.items() if name not in ("schema", "version")}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
