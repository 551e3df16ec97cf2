"""What can go wrong, in words for a person: what failed, on what, why, and what to do next."""

from __future__ import annotations


class SosmlxError(Exception):
    """Base of all errors that end a command; `hint` says what to do next (may be empty)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SosmlxError):
    """The command line cannot be carried out as written."""


class InputError(SosmlxError):
    """A SOURCE cannot be read or is nothing that sosmlx knows."""


class DamagedError(InputError):
    """A bundle's bytes are not the ones that were written; the message names the member."""


class ParseError(SosmlxError):
    """The one exception that a parser may raise: this text is not of the kind it was said to be."""
