"""Policies as documents: what a good one says, and how a bad one is told: file, line, table, key, what was meant."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.errors import InputError
from sosmlx.policy import document
from sosmlx.policy.document import Policy, Rule, Select, Waiver, builtins, digest_of, load, loads
from sosmlx.policy.operators import OPERATORS
from sosmlx.policy.rules import Condition, Other
from sosmlx.policy.tables import CONDITION_KEYS, RULE_KEYS, SELECT_KEYS, WAIVER_KEYS
from sosmlx.policy.toml_lines import tables

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fixtures" / "policies"
GOOD = sorted((FOLDER / "good").glob("*.toml"))
BAD = sorted((FOLDER / "bad").glob("*.toml"))
EXPECTED: dict[str, str] = json.loads((FOLDER / "bad" / "expected.json").read_text(encoding="utf-8"))
HEAD = 'schema = "sosmlx.policy/1"\n'
RULE = '[[rule]]\nid = "r"\nplane = "nvconfig"\nname = "N"\nequals = 1\n'
WAIVER = '[[waiver]]\nrule = "r"\nreason = "why"\nowner = "me"\ncreated = 2026-11-01\nexpires = 2026-12-31\n'

# What a schema cannot say: relations between values and tables, patterns, other files; and JSON has no dates.
OUT_OF_REACH = {
    "always-true", "bad-pattern", "date-in-quotes", "duplicate-id", "evidence-operator", "expires-before-created",
    "facet-not-said", "include-absolute", "include-broken", "include-builtin", "include-escapes", "include-itself",
    "include-missing", "pattern-by-accident", "range-backwards", "select-version", "unknown-fact", "unknown-role",
    "waiver-of-no-rule",
}  # fmt: skip


def schema() -> dict[str, Any]:
    text = (resources.files("sosmlx.data") / "schemas" / "policy.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def parsed(path: Path) -> object:
    """A policy as JSON would hold it: dates as texts."""
    return json.loads(json.dumps(tomllib.loads(path.read_text(encoding="utf-8")), default=str))


def refusal(spec: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        load(str(spec))
    return caught.value.message


def test_a_policy_is_read_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)

    assert load("good/storage.toml") == Policy(
        name="good/storage.toml",
        title="Storage nodes, CX6-Dx",
        selects=(
            Select(psid=("MT_0000000359",), firmware=">=22.39,<22.44", role=("pf",), where="good/storage.toml:4"),
        ),
        rules=(
            Rule(
                id="vfs-8", plane="nvconfig", name="NUM_OF_VFS", operator="equals", operand=8, facet="next",
                title="NUM_OF_VFS (next): 8", severity="medium", source="site standard 12", names=("NUM_OF_VFS",),
                advice="mlxconfig -d DEVICE set NUM_OF_VFS=8, then a reset", where="good/storage.toml:9",
            ),
        ),
        waivers=(
            Waiver(
                rule="vfs-8", reason="test node until the migration", owner="net-team", created=date(2026, 11, 1),
                expires=date(2026, 12, 31), device=Select(host=("n07",), where="good/storage.toml:21"),
                where="good/storage.toml:19",
            ),
        ),
        path="good/storage.toml",
        digest="875b5a9f904a911ea6f3a51020aec9287169c3bc1db0093e9caa247e25e64362",
    )  # fmt: skip


def test_every_operator_and_its_operand_are_read() -> None:
    found = {rule.operator: rule.operand for rule in load(str(FOLDER / "good" / "operators.toml")).rules}

    assert found == {
        "equals": "ETH(2)", "one_of": (0, 3, 4), "not_one_of": ("dmfs",), "range": (1, 63), "at_least": "22.39.1002",
        "at_most": 16, "matches": r"[0-9]+(\.[0-9]+)*", "absent": True, "present": True, "lacks_bits": (1, 3, 19),
        "has_bits": (3,), "equals_facet": "current", "equals_name": Other("pci", "sriov_totalvfs"),
        "at_most_name": Other("health", "hwmon.temp1_crit"), "same_per": "psid",
    }  # fmt: skip


def test_the_fixture_of_operators_knows_them_all() -> None:
    found = {rule.operator for rule in load(str(FOLDER / "good" / "operators.toml")).rules}

    assert found == set(OPERATORS)


def test_conditions_and_selects_of_a_rule_have_their_own_places() -> None:
    found = {rule.id: rule for rule in loads((FOLDER / "good" / "operators.toml").read_text(), "p").rules}["even"]

    assert (found.where, found.select, found.when) == (
        "p:119",
        (Select(role=("pf",), model=("ConnectX-6 Dx", "ConnectX-7"), where="p:125"),),
        (
            Condition("nvconfig", "SRIOV_EN", "equals", True, where="p:127"),
            Condition("net", "mtu", "at_least", 1500, where="p:132"),
        ),
    )


def test_waivers_can_stand_alone_and_say_whom_they_mean() -> None:
    found = loads((FOLDER / "good" / "waivers.toml").read_text(), "w").waivers

    assert [(row.many, row.device, row.value) for row in found] == [
        (True, Select(), None),
        (True, Select(host=("rack12-*",), psid=("MT_0000000359",), glob=True, where="w:21"), 16),
    ]


def test_provenance_is_kept_as_it_is() -> None:
    found = load(str(FOLDER / "good" / "operators.toml")).provenance

    assert found == {
        "sources": ["before.txt"],
        "created": date(2026, 11, 24),
        "left_out": {"nvconfig MAC_BASE": "it identifies the device"},
    }


def test_an_include_brings_rules_with_the_selects_of_their_file() -> None:
    found = load(str(FOLDER / "good" / "includes.toml"))

    assert [(rule.id, [select.psid for select in rule.select]) for rule in found.rules] == [
        ("own", []), ("base-sriov", [("MT_0000000359",)]), ("vfs-8", [("MT_0000000359",)]),
    ]  # fmt: skip


def test_a_place_in_an_included_file_names_that_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / "good")

    assert [rule.where for rule in load("includes.toml").rules] == [
        "includes.toml:5",
        "site/base.toml:7",
        "storage.toml:9",
    ]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)

    assert refusal(path.name) == EXPECTED[path.stem]


def test_every_mistake_has_a_fixture_that_is_told() -> None:
    assert sorted(EXPECTED) == [path.stem for path in BAD]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_policy_is_valid_by_the_schema(path: Path) -> None:
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(parsed(path))) == []


@pytest.mark.parametrize("name", builtins())
def test_a_built_in_policy_loads_and_is_valid_by_the_schema(name: str) -> None:
    text = (resources.files("sosmlx.policy.builtin") / f"{name}.toml").read_text(encoding="utf-8")
    shape = json.loads(json.dumps(tomllib.loads(text), default=str))

    assert (
        list(jsonschema.Draft202012Validator(schema()).iter_errors(shape)),
        {rule.where.rpartition(":")[0] for rule in load(f"builtin:{name}").rules},
    ) == ([], {f"builtin:{name}"})


def test_the_schema_refuses_every_mistake_that_it_can_see() -> None:
    readable = [path for path in BAD if "not valid TOML" not in EXPECTED[path.stem]]
    passed = {path.stem for path in readable if jsonschema.Draft202012Validator(schema()).is_valid(parsed(path))}

    assert passed == OUT_OF_REACH


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("rule", RULE_KEYS),
        ("select", SELECT_KEYS),
        ("waiver", WAIVER_KEYS),
        ("condition", [key for key in CONDITION_KEYS if key not in ("equals_name", "at_most_name", "same_per")]),
    ],
)
def test_the_schema_knows_the_keys_that_the_reader_knows(name: str, keys: list[str]) -> None:
    assert sorted(schema()["$defs"][name]["properties"]) == sorted(keys)


def test_layout_order_and_comments_do_not_change_the_digest() -> None:
    other = RULE.replace('"r"', '"s"')
    spread = 'title = "t"\r\n# a remark\r\n' + HEAD + "\r\n" + other + '\r\nseverity = "medium"\n' + RULE + WAIVER
    inline = 'title="t"\n' + HEAD + 'rule = [{id="r",plane="nvconfig",name="N",equals=1},' + (
        '{ id = "s", plane = "nvconfig", name = "N", equals = 1 }]\n'
    ) + WAIVER  # fmt: skip

    assert loads(spread, "a").digest == loads(inline, "b").digest


@pytest.mark.parametrize(
    "change", ["equals = 2", 'equals = "1"', "equals = true", "at_most = 1", 'equals = 1\nseverity = "low"']
)
def test_what_a_rule_says_changes_the_digest(change: str) -> None:
    changed = loads(HEAD + RULE.replace("equals = 1", change), "a")

    assert changed.digest != loads(HEAD + RULE, "a").digest


def test_the_digest_of_nouns_is_that_of_their_document() -> None:
    found = loads(HEAD + 'title = "t"\n[[select]]\npsid = "P"\n' + RULE + WAIVER, "a")

    assert digest_of("t", found.selects, found.rules, found.waivers) == found.digest


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(b"\xef\xbb\xbf" + (HEAD + RULE).encode())

    assert len(load(str(tmp_path / "p.toml")).rules) == 1


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (_folder, "not a regular file"),
        (_pipe, "not a regular file"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8 (at byte 0)"),
        (lambda path: path.write_bytes(b"#" * (document.MAX_BYTES + 1)), "larger than 4 MiB"),
    ],
)
def test_a_file_that_cannot_be_a_policy_is_refused(tmp_path: Path, make: Any, words: str) -> None:
    path = tmp_path / "p.toml"
    make(path)

    assert refusal(path) == f"{path}: {words}"


@pytest.mark.parametrize("name", ["a\x00b", "x" * 5000])
def test_a_path_that_can_be_none_is_refused(name: str) -> None:
    assert refusal(name).startswith(f"{name}: cannot be read: ")


def test_a_link_that_turns_in_a_circle_is_refused(tmp_path: Path) -> None:
    _loop(tmp_path / "p.toml")

    assert refusal(tmp_path / "p.toml").startswith(f"{tmp_path / 'p.toml'}: cannot be read: ")


def test_a_built_in_policy_that_is_not_there_is_told_with_the_nearest() -> None:
    assert refusal("builtin:../../errors").startswith(
        "'builtin:../../errors': there is no built-in policy of that name"
    )


def site(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HEAD + text)
    return folder / "a.toml"


def test_a_file_that_two_files_include_is_read_once(tmp_path: Path) -> None:
    first = site(tmp_path, {"a.toml": 'include = ["b.toml", "sub/c.toml"]', "b.toml": 'include = "sub/d.toml"',
                            "sub/c.toml": 'include = "../sub/d.toml"', "sub/d.toml": RULE})  # fmt: skip

    assert [rule.id for rule in load(str(first)).rules] == ["r"]


def test_a_waiver_may_name_a_rule_of_an_included_policy(tmp_path: Path) -> None:
    first = site(tmp_path, {"a.toml": 'include = ["b.toml"]\n' + WAIVER, "b.toml": RULE})

    assert [waiver.rule for waiver in load(str(first)).waivers] == ["r"]


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    first = site(tmp_path, {"a.toml": 'include = "b.toml"', "sub/c.toml": RULE})
    (tmp_path / "b.toml").symlink_to("sub/c.toml")

    assert [rule.where for rule in load(str(first)).rules] == [f"{tmp_path}/sub/c.toml:2"]


@pytest.mark.parametrize("target", ["../secret.toml", "/etc/hostname"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    site(tmp_path, {"secret.toml": RULE})
    first = site(tmp_path / "site", {"a.toml": 'include = "b.toml"'})
    (tmp_path / "site" / "b.toml").symlink_to(target)

    assert refusal(first) == f"{first}:2: 'b.toml' leads out of the folder of the first file"


def test_a_folder_of_the_same_beginning_is_out(tmp_path: Path) -> None:
    site(tmp_path / "site-secret", {"b.toml": RULE})
    first = site(tmp_path / "site", {"a.toml": 'include = "../site-secret/b.toml"'})

    assert refusal(first) == f"{first}:2: '../site-secret/b.toml' leads out of the folder of the first file"


def test_includes_within_includes_have_an_end(tmp_path: Path) -> None:
    names = ["a.toml", *(f"{number}.toml" for number in range(document.MAX_DEPTH))]
    files = {name: f'include = "{after}"' for name, after in zip(names, [*names[1:], "end.toml"], strict=True)}
    first = site(tmp_path, {**files, "end.toml": RULE})

    assert refusal(first) == f"{tmp_path}/7.toml: includes go over 8 levels or 32 files"


def test_includes_beside_each_other_have_an_end(tmp_path: Path) -> None:
    names = [f"{number}.toml" for number in range(document.MAX_FILES)]
    first = site(tmp_path, {"a.toml": f"include = {names}", **dict.fromkeys(names, "")})

    assert refusal(first) == f"{tmp_path}/31.toml: includes go over 8 levels or 32 files"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".".join("a" * 3000) + " = 1", "a key of more than 16 parts"),
        ("a = { " + ".".join(['"a"'] * 3000) + " = 1 }", "a key of more than 16 parts"),
        ("a = " + "[" * 100_000, "nested too deeply to be a policy"),
        ("a = " + "[" * 40 + "]" * 40, "nested too deeply to be a policy"),
    ],
)
def test_what_would_exhaust_the_reader_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        loads(HEAD + text, "p")

    assert caught.value.message == f"p: {words}"


TEXTS = st.sampled_from([path.read_text(encoding="utf-8") for path in (*GOOD, *BAD)])
WORDS = st.sampled_from(re.findall(r"[a-z_]+|\[\[?|\]\]?|[\"'{}=,#\n]|[0-9]+", "".join(p.read_text() for p in BAD)))


@given(TEXTS, st.lists(st.tuples(st.floats(0, 1), WORDS), min_size=1, max_size=4))
def test_any_text_is_a_policy_or_refused_in_words(text: str, edits: list[tuple[float, str]]) -> None:
    for where, word in edits:
        at = int(where * len(text))
        text = text[:at] + word + text[at + len(word) :]

    try:
        answer: object = loads(text, "p").digest
    except InputError as error:
        answer = error.message

    assert isinstance(answer, str)


KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"h\\u0041"', "9"])
VALUES = st.sampled_from([
    "1", "true", "2026-11-01", '"x # [[rule]]"', "'[[rule]]'", '"\\"[[rule]]"', '"""\n[[rule]]\nid = 1\n"""',
    "'''\n[[rule]]\n'''", '""""a"""""', "'''b'''''", '""', "''", '""""""', "[ # [[rule]]\n [1,\n 2],\n]",
    "{ a = [1], b.c = '}' }", '[\n"]", # ]\n"""\n]"""\n]', '"""\\"""\n[[rule]]"""',
])  # fmt: skip
REMARKS = st.sampled_from(["", " # [[rule]]", "\t#'", '  # """', "\n", "\n# [rule]\n\n"])
HEADS = st.sampled_from(["[[rule]]", "[[ rule ]]", '[["rule"]]', "[['rule']]  "])


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = [f"first = {draw(VALUES)}{draw(REMARKS)}"]
    for _ in range(draw(st.integers(0, 4))):
        lines.append(draw(HEADS) + draw(REMARKS))
        lines += [f"{key} = {draw(VALUES)}{draw(REMARKS)}" for key in draw(st.lists(KEYS, unique=True, max_size=3))]
        for number in range(draw(st.integers(0, 2))):
            lines += [f"[[rule.when]]{draw(REMARKS)}", f"n = {number}"]
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


@given(documents())
def test_the_lines_of_tables_and_keys_are_those_that_the_reader_of_toml_sees(text: str) -> None:
    held: Any = tomllib.loads(text)
    rules = held.get("rule", [])

    found = tables(text)

    assert (
        [sorted(table.keys) for table in found if table.path == ("rule",)],
        [table.path for table in found if table.path[1:] == ("when",)],
        all(text.split("\n")[table.line - 1].strip().startswith("[") for table in found[1:]),
    ) == (
        [sorted(key for key in rule if key != "when") for rule in rules],
        [("rule", "when") for rule in rules for _ in rule.get("when", [])],
        True,
    )


@given(st.integers(0, 5), st.integers(0, 5))
def test_the_line_of_a_mistake_moves_with_the_lines_before_it(before: int, between: int) -> None:
    text = "\n" * before + HEAD + "# x\n" * between + RULE + "facett = 1\n"

    with pytest.raises(InputError) as caught:
        loads(text, "p")

    assert caught.value.message.partition(": ")[0] == f"p:{before + between + 7}"


def test_the_examples_of_the_documentation_load() -> None:
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)

    assert [len(loads(example, "docs").waivers) for example in examples] == [1, 1]


@pytest.mark.parametrize("word", sorted({*RULE_KEYS, *SELECT_KEYS, *WAIVER_KEYS, *CONDITION_KEYS, *document.TOP_KEYS}))
def test_the_documentation_knows_every_key(word: str) -> None:
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")

    assert re.search(rf"`(\[+|\[\[rule\.)?{word}(\]+| = true)?`", text)
