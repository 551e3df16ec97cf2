"""A compressed stream of untrusted bytes, read with limits, giving every byte that can be decoded before a damage."""

from __future__ import annotations

import lzma
import zlib
from typing import BinaryIO, Callable, Protocol

from sosmlx.errors import InputError

STEP = 1 << 16
MAX_TOTAL = 1 << 30
MAX_RATIO = 1000
RATIO_FROM = 80 << 20
"""The ratio counts from here on: what a tool that never stops has printed, up to the 64 MiB of a collection, compresses
better than any fixed limit allows.
"""


class Decoder(Protocol):
    """One compression format, fed with raw bytes and drained in bounded steps."""

    def feed(self, data: bytes, limit: int) -> bytes:
        """Take raw bytes (may be none) and give at most `limit` decoded ones. Raises lzma.LZMAError or zlib.error."""

    @property
    def hungry(self) -> bool:
        """Whether it needs raw bytes before it can give more."""

    @property
    def ended(self) -> bool:
        """Whether the stream's end mark was reached and its check sum was right."""

    @property
    def left(self) -> bytes:
        """What it was fed beyond the end mark."""


class Xz:
    """xz and lzma, with bounded memory."""

    def __init__(self) -> None:
        self._inner = lzma.LZMADecompressor(memlimit=256 << 20)

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decode a step."""
        return self._inner.decompress(data, limit)

    @property
    def hungry(self) -> bool:
        """Ask for input."""
        return self._inner.needs_input

    @property
    def ended(self) -> bool:
        """End of stream."""
        return self._inner.eof

    @property
    def left(self) -> bytes:
        """Not decoded."""
        return self._inner.unused_data


class Gzip:
    """gzip (RFC 1952)."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decode a step."""
        return self._inner.decompress(self._inner.unconsumed_tail + data, limit)

    @property
    def hungry(self) -> bool:
        """Ask for input."""
        return not self._inner.unconsumed_tail

    @property
    def ended(self) -> bool:
        """End of stream."""
        return self._inner.eof

    @property
    def left(self) -> bytes:
        """Not decoded."""
        return self._inner.unused_data


class Plain:
    """No compression."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes, limit: int) -> bytes:
        """Pass a step on."""
        self._left += data
        step, self._left = self._left[:limit], self._left[limit:]
        return step

    @property
    def hungry(self) -> bool:
        """Ask for input."""
        return not self._left

    @property
    def ended(self) -> bool:
        """A plain file ends where it ends."""
        return True

    @property
    def left(self) -> bytes:
        """Everything is passed on."""
        return b""


class Inflated:
    """A file-like object over a decoder. `fault` says how the stream broke off; then `read` just ends.

    Raises InputError from `read` where a limit is passed: total size, compression ratio, or the `allowance` that the
    caller set for the bytes it expects next.
    """

    def __init__(self, raw: BinaryIO, decoder: Callable[[], Decoder], what: str) -> None:
        self._raw, self._make, self._what = raw, decoder, what
        self._decoder = decoder()
        self._buffer = b""
        self._in = self._out = 0
        self._exact: int | None = None
        self._drained = False
        self._total, self._ratio_from = MAX_TOTAL, RATIO_FROM
        self.fault = ""
        self.allowance = STEP

    def widen(self, total: int, ratio_from: int) -> None:
        """Let more bytes pass, and the ratio count later: for an archive of which only a part is ours."""
        self._total, self._ratio_from = total, ratio_from

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or fewer at the end of what can be decoded."""
        if size < 0 or size > self.allowance:
            raise InputError(f"{self._what}: a part of the archive is larger than it may be")
        self.allowance -= size
        while len(self._buffer) < size and not self._drained:
            self._buffer += self._step(max(size - len(self._buffer), 1))
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _step(self, wanted: int) -> bytes:
        limit = 1 if self._exact is not None and self._out >= self._exact else min(max(wanted, 512), STEP)
        raw = b""
        if self._decoder.ended and not isinstance(self._decoder, Plain):
            self._drained = True
            if self._decoder.left or self._raw.read(1):
                self.fault = self.fault or "something follows the end of the compressed stream"
            return b""
        if self._decoder.hungry:
            raw = self._raw.read(STEP)
            if not raw:
                self._drained = True
                if not self._decoder.ended:
                    self.fault = "the archive ends before its end mark"
                return b""
        self._in += len(raw)
        try:
            data = self._decoder.feed(raw, limit)
        except (lzma.LZMAError, zlib.error) as error:
            return self._retry(str(error))
        self._out += len(data)
        if self._out > self._total or (self._out > self._ratio_from and self._out > MAX_RATIO * max(self._in, 1)):
            raise InputError(f"{self._what}: unpacks to more than an archive of ours ever holds")
        return data

    def _retry(self, why: str) -> bytes:
        """Decode again up to the failing step, then byte by byte: the damage is then known to the byte."""
        if self._exact is not None:
            self._drained, self.fault = True, f"cannot be decoded further ({why})"
            return b""
        self._exact, done = self._out, self._out
        self._raw.seek(0)
        self._decoder = self._make()
        self._in = self._out = 0
        while self._out < done and not self._drained:
            self._raw_step(done - self._out)
        return b""

    def _raw_step(self, wanted: int) -> None:
        raw = self._raw.read(STEP) if self._decoder.hungry else b""
        if self._decoder.hungry and not raw:
            self._drained = True
            return
        try:
            self._out += len(self._decoder.feed(raw, min(wanted, STEP)))
        except (lzma.LZMAError, zlib.error) as error:
            self._drained, self.fault = True, str(error)
