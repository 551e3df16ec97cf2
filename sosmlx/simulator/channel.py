"""The channel to a simulated adapter: what a child process with an open node is on a host, without the process."""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.fwctl.allowed import request
from sosmlx.fwctl.client import OpenError, StuckError
from sosmlx.simulator.nic import DEBUG_READ_ONLY, Nic, NoAnswerError

PID = 4711
"""The process that a simulated host says was left behind."""


class NicChannel:
    """Commands to one simulated node, at the scope that the client's ioctl names; opened with the first."""

    def __init__(self, nic: Nic) -> None:
        self._nic = nic
        self._uid = 0

    def info(self, deadline: float) -> bytes:
        """FWCTL_INFO."""
        try:
            return self._nic.info(self._opened())
        except NoAnswerError:
            raise StuckError(PID, deadline) from None

    def register(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Read one register."""
        asked = request(name, fields)
        try:
            return self._nic.rpc(self._opened(), DEBUG_READ_ONLY, asked, len(asked))
        except NoAnswerError:
            raise StuckError(PID, deadline) from None

    def _opened(self) -> int:
        if not self._uid:
            try:
                self._uid = self._nic.open()
            except OSError as error:
                raise OpenError(error.errno, error.strerror) from None
        return self._uid
