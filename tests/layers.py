"""The layers of the package, and who imports whom: read from the source, nothing is imported or run."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sosmlx"
APART = {PACKAGE / "sosplugin" / "sosmlx.py"}
"""Files in the package that are no part of it: they run inside another program."""

LAYERS: tuple[tuple[str, ...], ...] = (
    ("sosmlx", "sosmlx.data"),
    ("sosmlx.errors", "sosmlx.isolation"),
    ("sosmlx.printable",),
    ("sosmlx.secrets",),
    ("sosmlx.record",),
    ("sosmlx.model",),
    ("sosmlx.jsonio", "sosmlx.snapshot_json"),
    ("sosmlx.child",),
    ("sosmlx.fwctl",),
    ("sosmlx.parsers",),
    ("sosmlx.sources",),
    ("sosmlx.collectors",),
    ("sosmlx.simulator",),
    ("sosmlx.bundle",),
    ("sosmlx.identity",),
    ("sosmlx.coverage",),
    ("sosmlx.redact",),
    ("sosmlx.precedence",),
    ("sosmlx.rates",),
    ("sosmlx.normalise",),
    ("sosmlx.sosplugin",),
    ("sosmlx.diff",),
    ("sosmlx.policy",),
    ("sosmlx.report",),
    ("sosmlx.testing",),
    ("sosmlx.cli", "sosmlx.__main__"),
)
"""Imports go up this list only: a module may import its own folder and what stands above it."""

ANALYSIS = (
    "sosmlx.diff", "sosmlx.policy", "sosmlx.report", "sosmlx.testing",
    "sosmlx.cli.analysis", "sosmlx.cli.choice", "sosmlx.cli.judge", "sosmlx.cli.output", "sosmlx.cli.render",
)  # fmt: skip
"""The analysis half; everything else runs on a host with Python 3.9 and the standard library."""


def modules() -> dict[str, Path]:
    """Map every module's name to its file."""
    found = {}
    for path in sorted({*PACKAGE.rglob("*.py")} - APART):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, *, late: bool = True) -> set[str]:
    """List the modules that a file names in import statements; `late` includes those inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if late else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def graph() -> dict[str, set[str]]:
    """Map every module to the modules of the package that it imports, at the top or late."""
    known = modules()
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        named = {other for other in imports(path) if other in known}
        # `from sosmlx.parsers import mlxconfig` names the package and the module: the module is what is meant.
        named -= {
            other
            for other in named
            if other != name
            and any(deep.startswith(f"{other}.") for deep in named)
            and not _uses_package_itself(path, other, known)
        }
        edges[name] = named - {name}
    return edges


def _uses_package_itself(path: Path, package: str, known: dict[str, Path]) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == package
        and any(f"{package}.{alias.name}" not in known for alias in node.names)
        for node in ast.walk(tree)
    )


def rank(name: str) -> int:
    """Place a module in the list of layers. Raises LookupError for one that has no room there."""
    for number, layer in enumerate(LAYERS):
        if any(name == entry or (entry != "sosmlx" and name.startswith(f"{entry}.")) for entry in layer):
            return number
    raise LookupError(name)


def host_half() -> dict[str, Path]:
    """Map the modules of the host half to their files."""
    return {
        name: path
        for name, path in modules().items()
        if not any(name == half or name.startswith(f"{half}.") for half in ANALYSIS)
    }


if __name__ == "__main__":
    if "--host-half" in sys.argv:
        sys.stdout.write("\n".join(str(path.relative_to(ROOT)) for path in host_half().values()) + "\n")
