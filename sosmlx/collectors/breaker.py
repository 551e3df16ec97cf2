"""Who is not asked again: channels into a device, and tools, that once gave no answer in time.

A stuck firmware costs one deadline a channel, and two in all: after that only the kernel's own files of that device are
read.
"""

from __future__ import annotations

from sosmlx.collectors.spec import Command, File, Question, described, device
from sosmlx.record import HOST, Answer, Outcome
from sosmlx.sources.base import BREAKER

FREE = "kernel"
"""The channel of the kernel's own files: read even where the firmware is stuck."""


class Breaker:
    """The breakers of one run. Called by the lanes: those of one device one after the other, others at any time."""

    def __init__(self) -> None:
        self._channels: dict[str, dict[str, str]] = {}
        self._tools: dict[str, str] = {}
        self._rtnl = ""

    def objection(self, read: Question) -> str:
        """Say why a read is not to be done; an empty string where it is."""
        why = self._of_tool(read) or self._of_device(read)
        return f"{BREAKER} {why}" if why else ""

    def note(self, read: Question, answer: Answer) -> None:
        """Remember a read that got no answer in time."""
        if answer.outcome not in (Outcome.TIMEOUT, Outcome.ABANDONED):
            return
        words = described(read)
        if isinstance(read, Command):
            if device(read) == HOST:
                self._tools.setdefault(read.argv[0], words)
            if read.rtnl and answer.outcome is Outcome.ABANDONED:
                self._rtnl = self._rtnl or words
        if device(read) != HOST:
            self._channels.setdefault(device(read), {}).setdefault(read.channel, words)

    def _of_tool(self, read: Question) -> str:
        if not isinstance(read, Command):
            return ""
        if read.argv[0] in self._tools:
            return f"`{self._tools[read.argv[0]]}` did not end before"
        if read.rtnl and self._rtnl:
            return f"`{self._rtnl}` could not be ended, and may hold the network lock"
        return ""

    def _of_device(self, read: Question) -> str:
        where = device(read)
        if where == HOST:
            return ""
        broken = self._channels.get(where, {})
        if read.channel in broken:
            return f"{read.channel} of {where} gave no answer to `{broken[read.channel]}`"
        if len(broken) > 1 and not (isinstance(read, File) and read.channel == FREE):
            said = " and ".join(f"{channel} (`{words}`)" for channel, words in sorted(broken.items()))
            return f"{where} gave no answer through {said}"
        return ""
