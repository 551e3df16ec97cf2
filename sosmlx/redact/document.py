"""Results for tickets and CI logs: the same tokens in a document as in a bundle, in all that it says and shows."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence

from sosmlx.errors import InputError
from sosmlx.record import Bundle
from sosmlx.redact.bundle import members
from sosmlx.redact.key import Key
from sosmlx.redact.known import SERIAL, Known, learn, learn_document
from sosmlx.redact.text import Text
from sosmlx.redact.tokens import Tokens

_PRINTS = frozenset({"fingerprint", "value_fingerprint", "digest", "anchor"})
"""Members that hold a digest of names and values: a short value could be guessed from one that has no key."""

_SIDES = ("source", "left", "right", "base")

_DUMP = re.compile(r"the first of \d+ bytes")
_NO_DUMP = "bytes of the firmware's answer: in the bundle, and in its redacted copy"


def redacted(document: Mapping[str, object], key: Key, sources: Sequence[Bundle] = ()) -> dict[str, object]:
    """Replace what identifies in a result, and mark it with the id of the key; `sources` is what it was made of.

    One that is marked with this key comes back as it is. The folders of its sources are left out: they are of the
    analyst, and often name the customer. Where the sources are redacted, only that is done. Raises InputError for a
    result that is marked with another key, and where one source is redacted and another is not.
    """
    if document.get("redacted") == {"key": key.id}:
        return dict(document)
    if "redacted" in document:
        raise InputError("this result is redacted already, with another key", "make it again from its sources")
    sides = [side for side in (document.get(name) for name in _SIDES) if isinstance(side, Mapping)]
    before = [bool(side.get("redacted")) for side in sides]
    if any(before) and not all(before):
        words = "redact the others with that bundle's key, then ask again"
        raise InputError("some sources of this result are redacted already, and others are not", words)
    known = Known()
    for side in sides:
        if "/" in str(side.get("path")):
            known.kinds[str(side["path"]).rpartition("/")[0]] = "dir"
    if any(before):
        return {**members(document, _Folders(Tokens(key.secret), known)), "redacted": {"key": key.id}}
    for bundle in sources:
        known.host(bundle.host)
        learn(known, bundle.records)
    learn_document(known, document)
    for mark in _marks(document):
        known.kinds[mark] = "print"
    made = members(_plain(document), _Document(Tokens(key.secret), known, key))
    return {**made, "redacted": {"key": key.id}}


class _Folders(Text):
    """Replaces the analyst's folders alone."""

    def text(self, text: str, kind: str = "") -> str:
        """Redact a text."""
        for folder in self._known.kinds:
            text = text.replace(folder, self._tokens.word("dir", folder))
        return text


class _Document(Text):
    """Also replaces digests, by keyed ones of the same length."""

    def __init__(self, tokens: Tokens, known: Known, key: Key) -> None:
        super().__init__(tokens, known)
        self._key = key

    def _word(self, found: str, before: str, kind: str) -> str:
        if self._known.kinds.get(found) == "print":
            return hmac.digest(self._key.secret, b"print:" + found.encode(), "sha256").hex()[: len(found)]
        return super()._word(found, before, kind)


def _marks(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, str) and name in _PRINTS and value:
        yield value[2:] if value.startswith("f-") else value
    elif isinstance(value, list):
        for element in value:
            yield from _marks(element, name)
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _marks(below, str(key))


def _plain(document: Mapping[str, object]) -> dict[str, object]:
    """Make texts of serials that are numbers, so that they are found, and leave out what shows bare bytes."""
    return {name: _texts(value) for name, value in document.items()}


def _texts(value: object) -> object:
    if isinstance(value, list):
        return [_texts(element) for element in value]
    if isinstance(value, Mapping):
        if "lines" in value and _DUMP.fullmatch(str(value.get("note"))):
            return {**{name: _texts(below) for name, below in value.items()}, "lines": [_NO_DUMP]}
        secret = value.get("class") == "identity" and SERIAL.search(str(value.get("name", ""))) is not None
        return {
            name: str(below) if secret and _is_number(name, below) else _texts(below) for name, below in value.items()
        }
    return value


def _is_number(name: str, value: object) -> bool:
    return name == "value" and isinstance(value, int) and not isinstance(value, bool)
