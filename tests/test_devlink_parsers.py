"""What devlink's parsers keep: text and JSON say the same, and nothing is invented."""

from __future__ import annotations

import pytest

from sosmlx.model import Evidence, Fact, Item, Setting, Unparsed, Value
from sosmlx.parsers import PARSERS
from sosmlx.parsers.recognise import recognise
from tests import fixtures

STATES = [
    (kind, name.removesuffix("-text"))
    for kind, name in fixtures.cases()
    if kind.startswith("devlink.")
    and name.endswith("-text")
    and (kind, name.replace("-text", "-json")) in fixtures.cases()
]
FLAT = ["devlink.param", "devlink.eswitch", "devlink.health", "devlink.rate", "devlink.region", "devlink.trap"]
EMPTY = [
    "info", "param", "dev", "health", "port", "rate", "resources", "regions", "trap", "trap_group", "trap_policer",
    "sb", "pool", "port_pool", "tc_bind", "occupancy", "lc", "selftests",
]  # fmt: skip

Views = dict[tuple[str, str, str, str, str, str], tuple[Value, str]]


def parse(kind: str, text: str) -> list[Item]:
    return list(PARSERS[kind].parse(text, fixtures.record(kind, "pasted")))


def views(items: list[Item]) -> Views:
    return {
        (*item.key, item.cls, name): (facet.value, facet.reason)
        for item in items
        if isinstance(item, Setting)
        for name, facet in item.facets
    }


@pytest.mark.parametrize(("kind", "state"), STATES)
def test_text_and_json_of_one_state_yield_the_same_settings(kind: str, state: str) -> None:
    text, json = (parse(kind, fixtures.text(kind, f"{state}-{form}")) for form in ("text", "json"))

    assert views(text) == views(json)


@pytest.mark.parametrize(("kind", "state"), STATES)
def test_text_and_json_of_one_state_yield_the_same_facts(kind: str, state: str) -> None:
    text, json = (parse(kind, fixtures.text(kind, f"{state}-{form}")) for form in ("text", "json"))

    assert [i for i in text if isinstance(i, Fact)] == [i for i in json if isinstance(i, Fact)]


@pytest.mark.parametrize("kind", FLAT)
def test_lost_indentation_changes_no_setting(kind: str) -> None:
    text = fixtures.text(kind, "state-text")
    flat = "\n".join(line.strip() for line in text.split("\n"))

    if kind == "devlink.trap":  # a list of words under a name is told from chatter by its indentation
        flat = flat.replace("\ninput_port", "\n input_port")

    assert views(parse(kind, flat)) == views(parse(kind, text))


@pytest.mark.parametrize("member", EMPTY)
def test_an_empty_answer_is_recognised_and_yields_nothing(member: str) -> None:
    text = f'{{"{member}":{{}}}}'
    kind = recognise(text) or ""

    assert (kind.partition(".")[0], parse(kind, text)) == ("devlink", [])


def test_a_version_of_all_ones_is_unknown_and_no_fact() -> None:
    text = "pci/0000:3b:00.0:\n  versions:\n      stored:\n        fw.version 255.255.65535\n"

    found = parse("devlink.info", text)

    assert (list(views(found).values()), [item for item in found if isinstance(item, Fact)]) == (
        [(None, "not known to the driver")],
        [],
    )


def test_json_behind_a_prompt_is_recognised_and_read() -> None:
    text = '# devlink -j dev eswitch show pci/0000:3b:00.0\n{"dev":{"pci/0000:3b:00.0":{"mode":"legacy"}}}\n# exit\n'
    kind = recognise(text) or ""

    found = parse(kind, text)

    assert (kind, list(views(found).values()), [item.text for item in found if isinstance(item, Unparsed)]) == (
        "devlink.eswitch",
        [("legacy", "")],
        ["# exit"],
    )


def test_a_permanent_value_is_what_flash_will_be() -> None:
    text = "pci/0000:3b:00.0:\n  name total_vfs type generic\n    values:\n      cmode permanent value 16 default 8\n"

    found = [item for item in parse("devlink.param", text) if isinstance(item, Setting)]

    assert [(item.cmode, [(name, facet.value) for name, facet in item.facets]) for item in found] == [
        ("permanent", [("default", 8), ("next", 16)])
    ]


def test_a_size_without_limit_stays_a_word() -> None:
    text = '{"resources":{"pci/0000:3b:00.0":[{"name":"fib","size":"unlimited"}]}}'

    assert list(views(parse("devlink.resource", text)).values()) == [("unlimited", "")]


def test_a_rate_in_text_is_the_bytes_per_second_of_json() -> None:
    text = "pci/0000:3b:00.0/1: type leaf tx_max 25Gbit\n"
    json = '{"rate":{"pci/0000:3b:00.0/1":{"type":"leaf","tx_max":3125000000}}}'

    assert views(parse("devlink.rate", text)) == views(parse("devlink.rate", json))


@pytest.mark.parametrize(
    "chatter",
    [
        "pci/0000:3b:00.0/3: is the port that fails",
        "the port is down again",
        "port 3 is what we cannot use",
        "state of the port: unclear",
        "Regards, Jo",
    ],
)
def test_what_people_write_between_is_no_setting(chatter: str) -> None:
    text = f"{chatter}\npci/0000:3b:00.0/1: type eth netdev ens1\n{chatter}\n"

    found = parse("devlink.port", text)

    assert ([value for value, _ in views(found).values()], sum(isinstance(item, Unparsed) for item in found)) == (
        ["eth", "ens1"],
        2,
    )


def test_what_people_write_around_a_diagnosis_is_no_setting() -> None:
    text = (
        "Note: seen twice: today\nHello team:\n Port TS:\n    FIFO: 1\n  SQs:\n      sqn: 7\n      sqn: 9\nBest: Jo\n"
    )

    found = parse("devlink.health-diagnose", text)

    assert ([key[2] for key in views(found)], [item.line for item in found if isinstance(item, Unparsed)]) == (
        ["tx.diagnose.port-ts.fifo", "tx.diagnose.sqs.sqn@0", "tx.diagnose.sqs.sqn@1"],
        [1, 2, 8],
    )


def test_a_line_cut_after_a_name_is_told() -> None:
    text = "pci/0000:3b:00.0/1: type eth netdev\n"

    assert [item.text for item in parse("devlink.port", text) if isinstance(item, Unparsed)] == [text.strip()]


def test_a_reporter_in_error_is_evidence_in_show_diagnose_and_monitor() -> None:
    texts = {
        "devlink.health": "pci/0000:3b:00.0:\n  reporter fw\n    state error error 1 recover 0\n",
        "devlink.health-diagnose": "# devlink health diagnose pci/0000:3b:00.0 reporter fw\nSyndrome: 8\n",
        "devlink.monitor": "[health,status] pci/0000:3b:00.0:\n  reporter fw\n    state error error 1 recover 0\n",
    }

    found = [item for kind, text in texts.items() for item in parse(kind, text) if isinstance(item, Evidence)]

    assert [(item.subject, item.severity) for item in found if item.kind == "health"] == [("0000:3b:00.0", "high")] * 3


def test_an_event_that_repeats_is_told_once_with_its_count() -> None:
    event = "[port,del] pci/0000:3b:00.0/1: type notset flavour pcivf"

    found = [
        item.text for item in parse("devlink.monitor", f"{event}\n{event}\n{event}\n") if isinstance(item, Evidence)
    ]

    assert found == [f"{event} (3 times)"]


def test_a_mode_that_devlink_has_not_is_part_of_the_name() -> None:
    found = parse("devlink.param", fixtures.text("devlink.param", "unknown-cmode-json"))

    assert [(key[2], key[3], value) for key, (value, _) in views(found).items()] == [
        ("flow_steering_mode", "runtime", "smfs"),
        ("flow_steering_mode.once", "", "dmfs"),
        ("flow_steering_mode.['runtime']", "", "hmfs"),
    ]
