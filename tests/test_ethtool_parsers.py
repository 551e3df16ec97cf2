"""What ethtool's parsers must keep beyond the laws of every parser: two formats agree, and the traps are none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sosmlx.model import Evidence, Fact, Item, Setting, SettingClass, Unparsed, Value
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.record import Answer, Record
from sosmlx.sources.text import from_folder
from tests import fixtures

PAIRS = (
    ("ethtool.features", "requested"),
    ("ethtool.rings", "push-buffer"),
    ("ethtool.channels", "combined-only"),
    ("ethtool.coalesce", "netlink"),
    ("ethtool.pause", "negotiated-with-statistics"),
    ("ethtool.link", "up-with-wrapped-modes"),
    ("ethtool.fec", "newest-with-statistics"),
    ("ethtool.eee", "enabled"),
    ("ethtool.rss", "table-key-function"),
    ("ethtool.groups", "text"),
    ("ethtool.module", "qsfp28-optic"),
    ("ethtool.module-power", "text"),
)
"""Fixtures that show one state twice, the second time as `json`."""

SUBJECT = "0000:3b:00.0/enp59s0f0np0"
COUNTERS = 40_000


def items(kind: str, text: str, subject: str = "host") -> list[Item]:
    return list(PARSERS[kind].parse(text, Record("1", kind, "fixture", subject, Answer())))


def settings(kind: str, text: str, subject: str = "host") -> dict[str, tuple[Value, SettingClass]]:
    """Take the first netdev's settings by name."""
    found = [item for item in items(kind, text, subject) if isinstance(item, Setting)]
    return {item.name: (item.facets[0][1].value, item.cls) for item in found if item.device == found[0].device}


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_text_and_json_of_one_state_say_the_same(kind: str, name: str) -> None:
    text, document = settings(kind, fixtures.text(kind, name)), settings(kind, fixtures.text(kind, "json"))

    assert document == {name: text[name] for name in document if name in text}


@pytest.mark.parametrize(("kind", "name"), [pair for pair in PAIRS if pair[0] != "ethtool.features"])
def test_json_leaves_out_only_what_the_device_has_not(kind: str, name: str) -> None:
    text, document = settings(kind, fixtures.text(kind, name)), settings(kind, fixtures.text(kind, "json"))

    assert {name for name in text if name not in document and text[name][0] is not None} <= {"rss.rx-rings"}


def test_the_read_names_the_device_whatever_the_title_says() -> None:
    found = items("ethtool.rings", fixtures.text("ethtool.rings", "demo-host"), SUBJECT)

    assert {item.device for item in found if isinstance(item, Setting)} == {SUBJECT}


def test_each_title_begins_another_netdev() -> None:
    found = items("ethtool.rings", fixtures.text("ethtool.rings", "newer-rows-two-netdevs"))

    assert [item.device for item in found if isinstance(item, Setting) and item.name == "rings.rx"] == [
        "enp59s0f0np0",
        "enp59s0f1np1",
    ]


def test_rows_of_another_option_are_not_settings_of_this_one() -> None:
    text = "Ring parameters for eth0:\nCurrent hardware settings:\nRX:\t512\nPause parameters for eth0:\nTX:\ton\n"

    assert settings("ethtool.rings", text) == {"rings.rx": (512, "config")}


def test_a_message_between_rows_is_no_row() -> None:
    text = "Settings for eth0:\n\tSpeed: 25000Mb/s\nnetlink error: Operation not permitted\n\tLink detected: yes\n"

    assert [item.text for item in items("ethtool.link", text) if isinstance(item, Evidence)] == [
        "Settings for eth0:",
        "netlink error: Operation not permitted",
    ]


def test_modes_have_one_order_whatever_the_version() -> None:
    older = "Settings for eth0:\n\tSupported link modes:   100000baseCR4/Full \n\t\t25000baseCR/Full \n"
    newer = "Settings for eth0:\n\tSupported link modes:   25000baseCR/Full\n\t\t100000baseCR4/Full\n"

    assert settings("ethtool.link", older) == settings("ethtool.link", newer)


def test_a_value_that_goes_on_ends_where_its_lines_do() -> None:
    text = "Settings for eth0:\n\tSupported link modes:   25000baseCR/Full\nCannot get wake-on-lan settings\n\tstray\n"

    assert [item for item in items("ethtool.link", text) if isinstance(item, Unparsed)] == [Unparsed(4, "\tstray")]


@pytest.mark.parametrize("psid", ["MT_0000000359", "HP_2420110034", "HUA0020040036"])
def test_a_psid_of_any_maker_is_told_from_the_version(psid: str) -> None:
    text = f"driver: mlx5_core\nversion: 5.5-1.0.3\nfirmware-version: 14.28.1300 ({psid})\nbus-info: 0001:03:00.0\n"

    assert Fact("0001:03:00.0", "psid", psid) in items("ethtool.driver", text)


def test_a_vdpa_device_belongs_to_the_function_in_its_name() -> None:
    text = "driver: virtio_net\nversion: 1.0.0\nbus-info: vdpa:0000:3B:00.4\n"

    assert {item.device for item in items("ethtool.driver", text) if isinstance(item, Setting)} == {"0000:3b:00.4"}


def test_the_first_clock_is_a_clock() -> None:
    text = "Time stamping parameters for eth0:\nPTP Hardware Clock: 0\n"

    assert settings("ethtool.timestamps", text) == {"timestamps.ptp-hardware-clock": (0, "volatile")}


def test_a_module_that_says_nothing_of_a_lane_has_no_lane_in_trouble() -> None:
    text = "\tIdentifier    : 0x11 (QSFP28)\n\tRx loss of signal  : None\n\tTx fault   : [ No, Yes ]\n"

    assert list(settings("ethtool.module", text).values())[1:] == [((), "health"), ((2,), "health")]


def test_auto_negotiation_that_a_version_may_have_inverted_is_unknown() -> None:
    found = items("ethtool.link", fixtures.text("ethtool.link", "json-inverted-auto-negotiation"))

    assert [
        item.facets[0][1].reason for item in found if isinstance(item, Setting) and item.name == "link.auto-negotiation"
    ] == ["ethtool 6.10 to 6.13 print it inverted"]


def test_thousands_of_counters_are_read_in_the_time_of_a_breath() -> None:
    text = "NIC statistics:\n" + "".join(f"     rx{n}_packets: {2**33 + n}\n" for n in range(COUNTERS))

    begun = time.perf_counter()
    found = items("ethtool.stats", text, SUBJECT)

    assert (len(found), time.perf_counter() - begun < 5) == (COUNTERS + 1, True)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ethtool.features", "demo-host"),
        ("ethtool.rings", "demo-host"),
        ("ethtool.channels", "combined-only"),
        ("ethtool.coalesce", "netlink"),
        ("ethtool.pause", "negotiated-with-statistics"),
        ("ethtool.link", "up-with-wrapped-modes"),
    ],
)
def test_two_netdevs_of_a_folder_stay_two(kind: str, name: str, tmp_path: Path) -> None:
    text = fixtures.text(kind, name)
    netdev = next(item.device for item in items(kind, text) if isinstance(item, Setting))
    for other in ("eth0", "eth1"):
        (tmp_path / f"{other}.txt").write_text(text.replace(netdev, other), encoding="utf-8")

    found = normalise(from_folder(str(tmp_path)))

    names = {device: {item.name for item in found.settings if item.device == device} for device in ("eth0", "eth1")}
    assert {item.device for item in found.settings} == {"eth0", "eth1"}
    assert names["eth0"] == names["eth1"] != set()
