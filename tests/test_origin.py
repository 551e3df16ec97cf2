"""Where the adapters' drivers come from, by what their modules say of themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.model import Setting, Snapshot, Value
from sosmlx.normalise import normalise
from sosmlx.policy.envelope import judge
from sosmlx.policy.origin import Origin, origin
from sosmlx.record import HOST
from tests.hosts import PF, host, module

VERSION = "24.10-1.1.4"


def found(*modules: Sequence[Setting]) -> Origin:
    return origin(host(settings=[row for rows in modules for row in rows]))


def stored(name: str, **facts: Value) -> list[Setting]:
    """A loaded module whose own words were not read, with what modinfo says of it."""
    return module(name, None, "stored", **facts)


def test_modules_without_a_letter_come_from_the_kernels_tree() -> None:
    assert found(module("mlx5_core"), module("mlx5_ib"), module("ib_core")) == Origin("inbox", "inbox")


def test_an_out_of_tree_stack_is_the_vendors_with_its_version() -> None:
    modules = [module(name, "O", version=VERSION) for name in ("mlx5_core", "mlx5_ib", "ib_core")]

    assert found(*modules) == Origin("vendor stack", f"vendor stack {VERSION}")


def test_a_version_without_end_does_not_fill_the_sentence() -> None:
    assert found(module("mlx5_core", "O", version="9" * 5000)).words == f"vendor stack {'9' * 60}"


def test_modules_of_both_are_mixed_and_named() -> None:
    words = "mixed (inbox: ib_core; vendor stack: mlx5_core)"

    assert found(module("mlx5_core", "O"), module("ib_core")) == Origin("mixed", words)


def test_the_vendors_foundation_beside_inbox_modules_is_mixed() -> None:
    assert found(module("mlx5_core"), module("mlx_compat", "O")).word == "mixed"


def test_an_old_version_of_the_kernels_own_is_still_inbox() -> None:
    assert found(module("mlx5_core", "", version="5.0-0")) == Origin("inbox", "inbox")


def test_two_versions_of_a_vendors_stack_are_mixed() -> None:
    words = f"mixed, mlx5_ib 23.10-0.5.5 beside mlx5_core {VERSION}"

    one, other = module("mlx5_core", "O", version=VERSION), module("mlx5_ib", "O", version="23.10-0.5.5")
    assert found(one, other) == Origin("mixed", words)


def test_a_module_that_is_not_the_one_on_disk_is_of_a_stack_half_upgraded() -> None:
    loaded = module("mlx5_core", "", srcversion="AAAA")
    disk = module("mlx5_core", None, "stored", srcversion="BBBB")[1:]
    both = loaded[-1]._replace(facets=(*loaded[-1].facets, *disk[0].facets))

    assert found([*loaded[:-1], both]) == Origin("mixed", "mixed, mlx5_core as loaded is not the one on disk")


@pytest.mark.parametrize(("letters", "kind"), [("OE", f"vendor stack {VERSION}"), ("E", "inbox")])
def test_unsigned_modules_are_named(letters: str, kind: str) -> None:
    words = f"{kind}, unsigned: mlx5_core"

    assert found(module("mlx5_core", letters, version=VERSION)) == Origin("unsigned", words, ("mlx5_core",))


def test_mixed_is_worse_than_unsigned() -> None:
    assert found(module("mlx5_core", "OE"), module("ib_core")).word == "mixed"


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"intree": True, "vermagic": "6.1"}, "inbox"),
        ({"vermagic": "6.1"}, "vendor stack"),
        ({"filename": "(builtin)"}, "inbox"),
        ({"filename": "/lib/modules/6.1/kernel/drivers/mlx5_core.ko.xz"}, "inbox"),
        ({"filename": "/lib/modules/6.1/extra/mlnx-ofa_kernel/mlx5_core.ko"}, "vendor stack"),
        ({"filename": "/lib/modules/6.1/updates/dkms/mlx5_core.ko"}, "vendor stack"),
        ({"filename": "/opt/mlx5_core.ko"}, "unknown"),
    ],
)
def test_modinfo_tells_where_the_modules_own_words_were_not_read(facts: dict[str, Value], word: str) -> None:
    assert found(stored("mlx5_core", **facts)).word == word


def test_who_signed_is_said() -> None:
    words = "inbox, signed by Rocky kernel signing key"

    assert found(stored("mlx5_core", intree=True, signer="Rocky kernel signing key")) == Origin("inbox", words)


def test_modules_of_which_only_the_names_were_read_are_of_unknown_origin() -> None:
    words = "origin unknown (the words of the modules were not read)"

    assert found(module("mlx5_core", None)) == Origin("unknown", words)


def test_modules_that_were_not_read_are_of_unknown_origin() -> None:
    snapshot = host(unread={(HOST, "module"): "denied"})

    assert origin(snapshot) == Origin("unknown", "origin unknown (the modules were not read)")


def test_a_driver_that_is_bound_and_no_module_is_built_in() -> None:
    assert origin(host(devices=(PF,))) == Origin("inbox", "inbox (built into the kernel)")


def test_a_host_without_adapters_has_no_driver_loaded() -> None:
    assert origin(host(devices=())) == Origin("unknown", "none loaded")


@pytest.mark.parametrize("name", ["nvidia", "nfs", "mlx4_core", "fwctl"])
def test_modules_beside_the_stack_say_nothing_of_it(name: str) -> None:
    assert found(module("mlx5_core"), module(name, "OE")) == Origin("inbox", "inbox")


@pytest.mark.parametrize("letters", ["O", "OE", "E", "POE"])
def test_no_origin_taints_by_itself(letters: str) -> None:
    assert judge(host(settings=module("mlx5_core", letters))).host.status == "supported"


def test_the_sentence_says_the_origin() -> None:
    snapshot = host(settings=module("mlx5_core", "O", version=VERSION))

    assert f"; drivers: vendor stack {VERSION}; " in judge(snapshot).host.sentence


def sim(name: str) -> Snapshot:
    return normalise(open_source(f"sim:{name}"))


@pytest.mark.parametrize("name", ["two-adapters-before", "two-adapters-after", "no-fwctl"])
def test_the_simulated_hosts_run_the_kernels_own_drivers(name: str) -> None:
    assert origin(sim(name)).word == "inbox"
