"""Snapshots for laws: small hosts made by hypothesis, and texts of queries."""

from __future__ import annotations

from hypothesis import strategies as st

from sosmlx.model import Coverage, Device, Facet, Setting, Snapshot, SourceInfo

VALUES: st.SearchStrategy[bool | int | str | tuple[int, ...] | None] = st.one_of(
    st.booleans(), st.integers(-5, 2**70), st.text(max_size=4), st.lists(st.integers(0, 3), max_size=3).map(tuple)
)


def facets() -> st.SearchStrategy[Facet]:
    known = VALUES.map(lambda value: Facet(value, str(value)))
    absent = st.just(Facet(None, "n/a", reason="unsupported"))
    return st.one_of(known, known, known, absent)


@st.composite
def settings(draw: st.DrawFn, device: str) -> tuple[Setting, ...]:
    names = draw(st.lists(st.sampled_from("ABCDE"), unique=True, max_size=5))
    found = []
    for name in names:
        views = draw(st.sampled_from([("next",), ("default", "next"), ("default", "current", "next")]))
        values = tuple((view, draw(facets())) for view in views)
        cls = draw(st.sampled_from(["config", "identity", "counter"]))
        found.append(Setting(device, "nvconfig", name, "permanent", values, cls))  # type: ignore[arg-type]
    return tuple(found)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    ids = draw(st.lists(st.sampled_from(["0000:3b:00.0", "0000:3b:00.1", "0001:af:00.0"]), unique=True, max_size=3))
    devices: list[Device] = []
    rows: list[Setting] = []
    coverage: list[Coverage] = []
    for name in ids:
        devices.append(Device(id=name, bdf=name, role="pf", serial=draw(st.sampled_from(["", f"SERIAL-{name}"]))))
        rows += draw(settings(name))
        status = draw(st.sampled_from(["complete", "complete", "partial", "unknown"]))
        coverage.append(Coverage(name, "nvconfig", status, reason="" if status == "complete" else "denied"))
    return Snapshot(SourceInfo("bundle", "b", "h"), {"taint": 0}, tuple(devices), tuple(rows), (), tuple(coverage))


HEAD = """
Device #{number}:
----------

Device type:        ConnectX6DX
Name:               MCX623106AN-CDA_Ax
Device:             {device}

Configurations:                                     Default              Current              Next Boot
"""


def query(values: dict[str, tuple[str, str, str]], device: str = "0000:3b:00.0", number: int = 1) -> str:
    """Print a three-column query."""
    rows = [f"        {name:<44}{v[0]:<21}{v[1]:<21}{v[2]:<21}\n" for name, v in values.items()]
    return HEAD.format(number=number, device=device) + "".join(rows)
