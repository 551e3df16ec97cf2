"""Whether a device is one of those that a policy or a waiver means: yes, no, or not to be told."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from sosmlx.model import Device
from sosmlx.policy import versions
from sosmlx.policy.rules import Select


class Fit(NamedTuple):
    """Whether a device is meant: `yes`, `no`, or `unread` where what decides was not read; and why not yes."""

    state: str
    reason: str = ""


YES = Fit("yes")


def fits(selects: Sequence[Select], device: Device, host: str) -> Fit:
    """Judge a device by selects of which one must match; without any, every device is meant."""
    found = [fit(select, device, host) for select in selects]
    if not found or YES in found:
        return YES
    return next((answer for answer in found if answer.state == "unread"), found[0])


def fit(select: Select, device: Device, host: str) -> Fit:
    """Judge a device by one select, of which every key must match. `host` is the name of the device's host.

    >>> fit(Select(psid=("MT_1",), role=("pf",)), Device("d", role="pf"), "n07")
    Fit(state='unread', reason='psid was not read')
    """
    answers = [_key(name, wanted, _held(name, device, host), select.glob) for name, wanted in _wanted(select)]
    if select.firmware:
        answers.append(_firmware(select.firmware, device.running))
    for state in ("no", "unread"):
        reasons = [answer.reason for answer in answers if answer.state == state]
        if reasons:
            return Fit(state, "; ".join(reasons))
    return YES


def _wanted(select: Select) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, wanted) for name, wanted in vars(select).items() if isinstance(wanted, tuple) and wanted]


def _held(name: str, device: Device, host: str) -> tuple[str, ...]:
    """List what a device has under a key of a select."""
    if name == "netdev":
        return device.netdevs
    if name == "device":
        return tuple(dict.fromkeys(filter(None, (device.id, device.bdf))))
    if name == "rdma":
        return device.rdma
    value = host if name == "host" else getattr(device, name)
    return (value,) if value else ()


def _key(name: str, wanted: Sequence[str], held: Sequence[str], glob: bool) -> Fit:
    if not held:
        return Fit("unread", f"{name} was not read")
    if any(fnmatchcase(value, want) if glob else value == want for value in held for want in wanted):
        return YES
    return Fit("no", f"{name} is {', '.join(held)}")


def _firmware(wanted: str, running: str) -> Fit:
    if not running:
        return Fit("unread", "the running firmware was not read")
    answer = versions.holds(wanted, running)
    if answer is None:
        return Fit("unread", f"firmware {running} cannot be compared with {wanted}")
    return YES if answer else Fit("no", f"firmware is {running}")
