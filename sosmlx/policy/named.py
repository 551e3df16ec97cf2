"""What a user may call a baseline: a TOML file, a bundle or text, `builtin:NAME`, or a relation within the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sosmlx.model import Snapshot
from sosmlx.policy.baseline import of_snapshot
from sosmlx.policy.document import PREFIX, load
from sosmlx.policy.relations import factory, peers, pending
from sosmlx.policy.rules import SCHEMA, Policy

ENVELOPE = "builtin:envelope"
"""What a source is checked against where the user names nothing."""

RELATIONS: Mapping[str, tuple[Callable[[Snapshot], Policy], str]] = {
    "factory": (factory, "flash as the factory view of this PSID and firmware has it"),
    "pending": (pending, "nothing waits for a reset: flash next is current, stored firmware runs"),
    "peers": (peers, "devices of one PSID and role have the values that most of them have"),
}
"""Baselines that need no file, and what they ask for."""

_HEAD = 1 << 16
"""A policy says what it is within so many bytes."""

_FAMILY = SCHEMA.partition("/")[0].encode()
_SCHEMA_KEY = re.compile(rb"^[ \t]*schema[ \t]*=[ \t]*[\"']" + re.escape(_FAMILY) + rb"/", re.MULTILINE)


def named(words: Sequence[str], snapshot: Snapshot, opened: Callable[[str], Snapshot]) -> tuple[Policy, ...]:
    """Make the policies that a user named; none is the built-in envelope. `opened` reads a SOURCE.

    Raises InputError for one that cannot be read, UsageError as `opened` does.
    """
    return tuple(_one(word, snapshot, opened) for word in dict.fromkeys(words or (ENVELOPE,)))


def _one(word: str, snapshot: Snapshot, opened: Callable[[str], Snapshot]) -> Policy:
    if word in RELATIONS:
        return RELATIONS[word][0](snapshot)
    if word.startswith(PREFIX) or is_document(word):
        return load(word)
    return of_snapshot(opened(word))


def is_document(path: str) -> bool:
    """Whether a path is a policy: by its suffix, or by its first key."""
    if path.lower().endswith(".toml"):
        return True
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False  # whoever opens it as a source says why it cannot be read
    return _SCHEMA_KEY.search(head) is not None
