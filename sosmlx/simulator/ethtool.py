"""What ethtool prints about a scenario's netdevs; what a scenario is silent about, its driver does not support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

Netdev = Mapping[str, object]


def show(words: tuple[str, ...], name: str, bdf: str, netdev: Netdev, nth: int) -> str | None:
    """Answer `ethtool OPTION NAME`, asked for the nth time (from 0); None where the driver has no answer."""
    maker = _OPTIONS.get(words)
    return maker(name, bdf, netdev, nth) if maker else None


def _driver(name: str, bdf: str, netdev: Netdev, nth: int) -> str:
    rows = {"driver": "mlx5_core", **_object(netdev.get("driver")), "expansion-rom-version": "", "bus-info": bdf}
    return "".join(f"{row}: {value}\n" for row, value in rows.items())


def _link(name: str, bdf: str, netdev: Netdev, nth: int) -> str:
    """Print plain `ethtool NAME`: speed and duplex are what sysfs tells, the rest what the scenario says."""
    sysfs = _object(netdev.get("sysfs"))
    up = sysfs.get("operstate") == "up"
    rows = {
        "Speed": f"{sysfs.get('speed')}Mb/s" if up else "Unknown!",
        "Duplex": str(sysfs.get("duplex", "full")).capitalize() if up else "Unknown! (255)",
        "Auto-negotiation": "on",
        **_object(netdev.get("link")),
        "Link detected": "yes" if up else f"no ({_object(netdev.get('link')).get('Link detected', 'No cable')})",
    }
    return f"Settings for {name}:\n" + "".join(f"\t{row}: {value}\n" for row, value in rows.items())


def _address(name: str, bdf: str, netdev: Netdev, nth: int) -> str | None:
    address = _object(netdev.get("sysfs")).get("address")
    return f"Permanent address: {address}\n" if address else None


def _rows(title: str, member: str, width: int = 0) -> Callable[[str, str, Netdev, int], str | None]:
    def lines(name: str, bdf: str, netdev: Netdev, nth: int) -> str | None:
        if member not in netdev:
            return None
        rows = _object(netdev[member]).items()
        return f"{title} for {name}:\n" + "".join(f"{row + ':':<{width}} {value}\n" for row, value in rows)

    return lines


def _priv_flags(name: str, bdf: str, netdev: Netdev, nth: int) -> str:
    rows = _object(netdev.get("priv_flags")).items()
    return f"Private flags for {name}:\n" + "".join(f"{flag:<18}: {value}\n" for flag, value in rows)


def _stats(name: str, bdf: str, netdev: Netdev, nth: int) -> str | None:
    if "stats" not in netdev:
        return None
    rows = _object(netdev["stats"]).items()
    return "NIC statistics:\n" + "".join(f"     {row}: {counted(value, nth)}\n" for row, value in rows)


def counted(value: object, nth: int) -> object:
    """Give what a counter shows when it is read for the nth time (from 0): a list has a value for each, the last stays.

    >>> counted([1, 5], 0), counted([1, 5], 7), counted(3, 7)
    (1, 5, 3)
    """
    return value[min(nth, len(value) - 1)] if isinstance(value, list) and value else value


def _two_parts(title: str, member: str) -> Callable[[str, str, Netdev, int], str]:
    """Print `{row: [maximum, current]}` in the two parts that ethtool prints."""

    def text(name: str, bdf: str, netdev: Netdev, nth: int) -> str:
        rows = _object(netdev.get(member))
        pairs = {row: value if isinstance(value, list) else ["n/a", value] for row, value in rows.items()}
        lines: list[str] = [f"{title} for {name}:", "Pre-set maximums:"]
        lines += [f"{row}:\t\t{pair[0]}" for row, pair in pairs.items()]
        lines.append("Current hardware settings:")
        lines += [f"{row}:\t\t{pair[1]}" for row, pair in pairs.items()]
        return "\n".join(lines) + "\n\n"

    return text


_OPTIONS: dict[tuple[str, ...], Callable[[str, str, Netdev, int], str | None]] = {
    (): _link, ("-P",): _address, ("-i",): _driver, ("-k",): _rows("Features", "features"), ("-S",): _stats,
    ("-g",): _two_parts("Ring parameters", "rings"), ("-l",): _two_parts("Channel parameters", "channels"),
    ("-a",): _rows("Pause parameters", "pause", 15), ("-c",): _rows("Coalesce parameters", "coalesce"),
    ("--show-fec",): _rows("FEC parameters", "fec"), ("--show-priv-flags",): _priv_flags,
}  # fmt: skip


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
