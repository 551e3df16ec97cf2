"""Which reset what is pending waits for, as far as the firmware tells: MFRL and MROQ name levels, and decide nothing.

What MFRL means by the levels that it names is not documented (`sosmlx.parsers.firmware`): they are told as its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sosmlx.model import Setting
from sosmlx.parsers.register_device import LEVELS
from sosmlx.policy.rules import Rule

_MFRL = "mfrl.reset_trigger"
_VIEWS = ({"next", "current"}, {"running", "stored"})
"""Views of which one follows the other with a reset."""


def waits(rule: Rule) -> bool:
    """Whether what fails this rule waits for a reset: it asks that what is to come is what is.

    >>> waits(Rule("r", "nvconfig", "*", "equals_facet", "current", "next", against="current"))
    True
    """
    return {rule.facet, rule.against} in _VIEWS


def resets(settings: Iterable[Setting]) -> Mapping[str, str]:
    """Map each device whose firmware names resets to words about them."""
    levels: dict[str, str] = {}
    types: dict[str, list[str]] = {}
    for setting in settings:
        facet = setting.facet("current")
        label = facet.label if facet is not None else ""
        if setting.plane == "firmware" and setting.name == _MFRL:
            levels[setting.device] = f"reset levels that the firmware names (MFRL): {label or 'none'}"
        elif setting.plane == "register" and setting.name.startswith(f"{LEVELS}@") and label:
            types.setdefault(setting.device, []).append(label)
    offered = {device: f"resets that it offers (MROQ): {', or '.join(labels)}" for device, labels in types.items()}
    both = {device: [levels.get(device, ""), offered.get(device, "")] for device in {**levels, **offered}}
    return {device: "; ".join(filter(None, words)) for device, words in both.items()}
