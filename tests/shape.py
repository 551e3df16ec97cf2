"""The shape of the code: how long files and functions are. `make shape` prints it; a test holds the limits."""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MAX_FILE = 450
MAX_FUNCTION = 90


class Function(NamedTuple):
    """One function: where it is, how long, and whether all of its parameters and its answer are typed."""

    where: str
    lines: int
    typed: bool


def functions(folder: Path) -> list[Function]:
    """List every function below a folder."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                typed = node.returns is not None and all(
                    argument.annotation for argument in arguments if argument.arg not in ("self", "cls")
                )
                where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                found.append(Function(where, (node.end_lineno or node.lineno) - node.lineno + 1, typed))
    return found


def files(folder: Path) -> dict[str, int]:
    """Map every file below a folder to its number of lines."""
    return {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted(folder.rglob("*.py"))
    }


def row() -> str:
    """Render one line: how many files and lines, medians and maxima, typed and documented shares, test:code."""
    code, tests = files(ROOT / "sosmlx"), files(ROOT / "tests")
    lengths = sorted(function.lines for function in functions(ROOT / "sosmlx"))
    everything = functions(ROOT / "sosmlx")
    sizes = sorted(size for size in code.values() if size > 2)
    typed = sum(function.typed for function in everything) / len(everything)
    return (
        f"modules {len(code)}, lines {sum(sizes)}, file median {statistics.median(sizes):g} max {sizes[-1]}, "
        f"function median {statistics.median(lengths):g} p95 {lengths[int(len(lengths) * 0.95)]} max {lengths[-1]}, "
        f"typed {typed:.0%}, test:code {sum(tests.values()) / sum(sizes):.2f}"
    )


if __name__ == "__main__":
    sys.stdout.write(row() + "\n")
