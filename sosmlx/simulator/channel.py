"""The way to a simulated adapter: as an open node, for a process of its own, or as a channel without one."""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.child import StuckError
from sosmlx.fwctl.allowed import answer_size, query, request
from sosmlx.fwctl.client import OpenError
from sosmlx.simulator.nic import DEBUG_READ_ONLY, Nic, NoAnswerError

PID = 4711
"""The process that a simulated host says was left behind."""


class NicNode:
    """A simulated node that was opened; commands go at the scope that the client's ioctl names."""

    def __init__(self, nic: Nic) -> None:
        self._nic = nic
        self._uid = nic.open()

    def info(self) -> bytes:
        """FWCTL_INFO. Raises OSError and NoAnswerError."""
        return self._nic.info(self._uid)

    def rpc(self, request: bytes) -> bytes:
        """FWCTL_RPC. Raises OSError and NoAnswerError."""
        return self._nic.rpc(self._uid, DEBUG_READ_ONLY, request, answer_size(request))

    def close(self) -> None:
        """Free the firmware context."""
        self._nic.close(self._uid)


class NicChannel:
    """Commands to one simulated adapter; its node is opened with the first."""

    def __init__(self, nic: Nic) -> None:
        self._nic = nic
        self._node: NicNode | None = None

    def info(self, deadline: float) -> bytes:
        """FWCTL_INFO."""
        try:
            return self._opened().info()
        except NoAnswerError:
            raise StuckError(PID, deadline) from None

    def register(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Read one register."""
        return self._ask(request(name, fields), deadline)

    def command(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Ask one command."""
        return self._ask(query(name, fields), deadline)

    def _ask(self, asked: bytes, deadline: float) -> bytes:
        try:
            return self._opened().rpc(asked)
        except NoAnswerError:
            raise StuckError(PID, deadline) from None

    def close(self) -> None:
        """Close the node."""
        if self._node is not None:
            self._node.close()
            self._node = None

    def _opened(self) -> NicNode:
        if self._node is None:
            try:
                self._node = NicNode(self._nic)
            except OSError as error:
                raise OpenError(error.errno, error.strerror) from None
        return self._node
