"""The house's walls: layers, halves, shape, and what the code must not contain."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from sosmlx.record import Outcome
from sosmlx.sources.guard import DENY
from sosmlx.sources.live import LiveSource
from sosmlx.sources.tree import TreeSource
from tests import layers, shape


def test_imports_go_down_only() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, others in layers.graph().items()
        for other in others
        if layers.rank(other) > layers.rank(name)
    ]

    assert wrong == []


def test_no_module_is_part_of_a_cycle() -> None:
    edges = layers.graph()
    done: set[str] = set()

    def cycle(name: str, above: tuple[str, ...]) -> tuple[str, ...]:
        if name in above:
            return (*above[above.index(name) :], name)
        if name in done:
            return ()
        found: tuple[str, ...] = next(filter(None, (cycle(other, (*above, name)) for other in sorted(edges[name]))), ())
        done.add(name)
        return found

    assert [found for found in (cycle(name, ()) for name in sorted(edges)) if found] == []


def test_the_host_half_imports_only_the_standard_library() -> None:
    names = sorted(name for name in layers.host_half() if name not in ("sosmlx.__main__",))
    script = f"import sys; sys.path.insert(0, {str(layers.ROOT)!r})\n" + "".join(f"import {name}\n" for name in names)

    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


def test_no_host_module_names_a_package_at_its_top() -> None:
    allowed = set(sys.stdlib_module_names) | {"sosmlx"}
    wrong = [
        f"{name}: {other}"
        for name, path in layers.host_half().items()
        for other in layers.imports(path, late=False)
        if other.partition(".")[0] not in allowed
    ]

    assert wrong == []


@pytest.mark.parametrize("name", sorted(layers.host_half()))
def test_a_host_half_file_parses_as_python_3_9(name: str) -> None:
    tree = ast.parse(layers.host_half()[name].read_text(encoding="utf-8"), feature_version=(3, 9))

    assert tree.body


def test_no_file_is_over_its_limit() -> None:
    sizes = shape.files(layers.PACKAGE) | shape.files(layers.ROOT / "tests")

    assert {name: lines for name, lines in sizes.items() if lines > shape.MAX_FILE} == {}


def test_no_function_is_over_its_limit() -> None:
    assert [f for f in shape.functions(layers.PACKAGE) if f.lines > shape.MAX_FUNCTION] == []


def test_every_function_is_typed() -> None:
    assert [f.where for f in shape.functions(layers.PACKAGE) if not f.typed] == []


def _handlers() -> list[tuple[str, ast.ExceptHandler]]:
    return [
        (f"{path.relative_to(layers.ROOT)}:{node.lineno}", node)
        for path in layers.modules().values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
    ]


def test_no_exception_is_passed_over_in_silence() -> None:
    silent = [where for where, node in _handlers() if all(isinstance(line, ast.Pass) for line in node.body)]

    assert silent == []


def test_the_one_broad_except_is_in_the_engine() -> None:
    broad = [
        where.partition(":")[0]
        for where, node in _handlers()
        if node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
    ]

    assert broad == ["sosmlx/collectors/engine.py"]


def test_one_place_runs_programs() -> None:
    users = [name for name, path in layers.modules().items() if "subprocess" in layers.imports(path)]

    assert users == ["sosmlx.sources.run"]


def test_nothing_is_opened_or_run_past_the_deny_list() -> None:
    """Held here, too, because it must hold after every merge: `tests/test_guard.py` says it at length."""
    live, below = LiveSource(), TreeSource("/")
    kept_out = "/proc/self/environ"

    answers = [live.read(kept_out, "bytes", 5.0), below.read(kept_out, "bytes", 5.0), live.run(("true",), 5.0)]

    assert [(answer.outcome, answer.reason[: len(DENY)]) for answer in answers] == [(Outcome.SKIPPED, DENY)] * 3


def test_deepdiff_is_used_for_its_one_class_only() -> None:
    named = {
        name
        for path in layers.modules().values()
        for name in layers.imports(path)
        if name.partition(".")[0] == "deepdiff"
    }

    assert named == {"deepdiff", "deepdiff.DeepDiff"}
