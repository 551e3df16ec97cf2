"""What the firmware client can give or send: every public function whose answer may be bytes is known by name."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType

from sosmlx.fwctl import (
    abi,
    allowed,
    catalogue,
    client,
    commands,
    expression,
    items,
    layout,
    mailbox,
    nvconfig,
    register,
    registers,
)

MODULES = (abi, mailbox, layout, register, registers, commands, allowed, items, nvconfig, catalogue, expression, client)

YIELDS_BYTES = {
    "abi.pack_info": "the ioctl's argument",
    "abi.pack_rpc": "the ioctl's argument",
    "layout.put_together": "an image, without a header",
    "registers.encode": "a register's image, without a header",
    "commands.encode": "an answer, with zeros where a request has its opcode",
    "allowed.request": "a request",
    "allowed.query": "a request",
    "items.pack_header": "an item's header, without a mailbox",
    "client.Channel.command": "the firmware's answer to a command of the list",
    "client.Channel.info": "the kernel's answer",
    "client.Channel.register": "the firmware's answer to a read of the list",
    "client.DeviceNode.info": "the kernel's answer",
    "client.DeviceNode.rpc": "the firmware's answer; it refuses what is outside the list",
    "client.Forked.command": "the firmware's answer to a command of the list",
    "client.Forked.info": "the kernel's answer",
    "client.Forked.register": "the firmware's answer to a read of the list",
    "client.Node.info": "the kernel's answer",
    "client.Node.rpc": "the firmware's answer",
}
"""Every function of these modules whose answer is, or may hold, bytes of its own making."""


def _imported(module: ModuleType) -> set[str]:
    nodes = ast.walk(ast.parse(inspect.getsource(module)))
    return {a.asname or a.name for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for a in node.names}


def _callables(module: ModuleType) -> Iterator[tuple[str, object]]:
    """List what can be called under a public name of a module or of its classes; reading a property is a call."""
    short = module.__name__.rpartition(".")[2]
    for name in sorted(vars(module).keys() - _imported(module)):
        member = getattr(module, name)
        if name.startswith("_") or not callable(member) or typing.get_origin(member):
            continue
        if not inspect.isclass(member):
            yield f"{short}.{name}", member
            continue
        for key in sorted(key for key in vars(member) if not key.startswith("_")):
            value = inspect.getattr_static(member, key)
            if isinstance(value, property):
                value = value.fget
            elif isinstance(value, cached_property):
                value = value.func
            if inspect.isroutine(value):
                yield f"{short}.{name}.{key}", value


def _may_yield_bytes(member: object) -> bool:
    """Tell from the type of its answer; what does not say its type may yield anything."""
    function = inspect.unwrap(member) if callable(member) else None
    answer = typing.get_type_hints(function).get("return", "Any") if inspect.isroutine(function) else "Any"
    return any(word in str(answer) for word in ("bytes", "bytearray", "memoryview", "Buffer", "object", "Any"))


def test_these_functions_yield_bytes_and_two_of_them_a_request() -> None:
    found = {name for module in MODULES for name, member in _callables(module) if _may_yield_bytes(member)}

    assert found == set(YIELDS_BYTES)
