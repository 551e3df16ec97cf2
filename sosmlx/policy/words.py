"""What the words of sosmlx mean, as `sosmlx explain` says it: outcomes, results, verdicts, exit codes and the rest.

They are the words of design and documents: XCCDF 1.2 results (NIST IR 7275), devlink's configuration modes
(`enum devlink_param_cmode`), and our own.
"""

from __future__ import annotations

from collections.abc import Mapping

OUTCOMES: Mapping[str, str] = {
    "collected": "The read gave its bytes.",
    "absent": "There is no such file, program or object here. Other reads may still tell the same.",
    "denied": "The kernel or the firmware refused: run as root, or see whether lockdown or a policy is in the way.",
    "unsupported": "The kernel, the tool or the firmware does not know what was asked: there is nothing to be read.",
    "timeout": "The read did not end before its deadline and was stopped; a stuck firmware looks like this.",
    "abandoned": "The read could be neither finished nor stopped; nothing more is asked of that device.",
    "failed": "The read ended with an error that is none of the others; the reason has its words.",
    "vanished": "What was read went away meanwhile: the device was unplugged, or its driver let go of it.",
    "truncated": "More came than fits into the budget; what was kept is the beginning.",
    "skipped": "It was not read on purpose: not asked for, out of budget, or not allowed. The reason says which.",
}
"""How a read ends (`sosmlx.record.Outcome`)."""

RESULTS: Mapping[str, str] = {
    "pass": "What the rule asks for was read, and holds.",
    "fail": "What the rule asks for was read, and does not hold.",
    "unknown": "What the rule asks for could not be read, or not all of it: undetermined.",
    "notapplicable": "The rule is not meant for this device: its role, its link, or a condition that is not met.",
    "notchecked": "Nobody evaluated the rule: nothing collects what it rests on, or nothing can ask this device.",
    "error": "The rule could not be evaluated because of a fault of its own.",
}
"""What a rule says (`sosmlx.model.Result`)."""

VERDICTS: Mapping[str, str] = {
    "supported": "All that the verdict rests on was read, and nothing speaks against support.",
    "changed": "No access outside the envelope, and at least one finding or difference in the configuration.",
    "tainted": "Somebody was outside the envelope: fwctl's taint, a debug token, development firmware, or a "
    "forced module. A waiver does not change this word.",
    "undetermined": "Something that the verdict rests on could not be read, so neither yes nor no can be said.",
}
STRENGTHS: Mapping[str, str] = {
    "strong": "The kernel was locked down and no other channel into the device was open: little could happen unseen.",
    "moderate": "Lockdown was off (or not read), and no other channel into the device was seen open.",
    "weak": "Other channels into the device were open, or what the device itself tells was not read.",
}
COVERAGE: Mapping[str, str] = {
    "complete": "All reads of the plane gave something.",
    "partial": "Some reads of the plane gave nothing, or not all of it; the reason names them.",
    "unknown": "Nothing of the plane was read.",
    "notapplicable": "A function of this role has nothing on this plane.",
}
CHANGES: Mapping[str, str] = {
    "added": "Only the right side has it, and the left side would have shown it.",
    "removed": "Only the left side has it, and the right side would have shown it.",
    "changed": "Both sides have it, with different values.",
    "moved": "The same card is in another slot.",
    "unknown": "One side could not read what the other has: never shown as removed.",
}
STATES: Mapping[str, str] = {
    "set": "The value in force is not the factory's.",
    "pending": "Flash holds another value for after the next reset than the one in force.",
    "override": "A run-time value contradicts flash.",
    "observed": "The plane has no defaults to compare with.",
}
FACETS: Mapping[str, str] = {
    "default": "The factory view of this PSID, firmware and OEM layer; not what NVIDIA ships in general.",
    "current": "What is in force now.",
    "next": "What flash holds for after the next reset.",
    "max": "The largest value that the device can have.",
    "running": "The version that runs.",
    "stored": "The version in flash, which runs after the next reset.",
}
CMODES: Mapping[str, str] = {
    "runtime": "devlink: in force at once.",
    "driverinit": "devlink: in force after `devlink dev reload`; whether that happened cannot be seen.",
    "permanent": "devlink: written to flash, in force after a reset. It is flash *next*, never run time.",
}
ROLES: Mapping[str, str] = {
    "pf": "A physical function.",
    "vf": "A virtual function: it has no flash configuration of its own.",
    "sf": "A subfunction: it has no flash configuration of its own.",
    "representor": "A netdev that stands for the port of a VF or SF in switchdev mode.",
    "bridge": "A PCI bridge of the adapter.",
    "ecpf": "The physical function on the embedded CPU of a BlueField.",
    "dpu-host": "The host's function of a BlueField.",
    "dpu-nic-mode": "The host's function of a BlueField that works as a plain adapter.",
    "vfio-owned": "A function that user space owns through VFIO.",
    "mlx4": "A function of the older driver, out of scope.",
    "other": "A function of the vendor that is no network adapter.",
}
PLANES: Mapping[str, str] = {
    "nvconfig": "The configuration in flash, which mlxconfig shows.",
    "devlink": "Parameters, ports and E-Switch mode, as devlink shows them.",
    "ethtool": "Features, rings, channels, private flags of a netdev.",
    "net": "The kernel's attributes of a netdev: MTU, state, addresses.",
    "rdma": "RDMA devices and their ports.",
    "dcb": "Priority flow control, traffic classes, trust, buffers.",
    "pci": "The PCI function: identity, link, SR-IOV, NUMA node, driver.",
    "module": "Kernel modules: which are loaded, their versions and taint letters.",
    "register": "Firmware registers as they stand.",
    "caps": "What the device can do.",
    "firmware": "Firmware versions, components, tokens, of which kind it is.",
    "health": "Health reporters and sensors.",
    "kernel": "The kernel itself: release, command line, taint, lockdown.",
}
SEVERITIES: Mapping[str, str] = {
    "info": "For the reader; `check` does not fail on it unless --fail-on says so.",
    "low": "Worth putting right when there is time.",
    "medium": "Costs performance or support; put it right.",
    "high": "Costs service, data or support; put it right first.",
    "critical": "Stop and put it right.",
}
EXITS: Mapping[int, str] = {
    0: "Nothing to report: no difference, no finding at or above --fail-on, everything that was asked for was read.",
    1: "diff: there are differences. check: a finding at or above --fail-on, or a taint that nobody waived.",
    2: "Trouble: a wrong command line, or input that cannot be read. Nothing was written.",
    3: "It cannot be told: something that the answer rests on could not be read. 1 beats 3.",
    130: "Interrupted; what was written until then is valid.",
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "an outcome of a read": OUTCOMES,
    "a rule's result": RESULTS,
    "a verdict": VERDICTS,
    "a verdict's strength": STRENGTHS,
    "a plane's coverage": COVERAGE,
    "a change in a diff": CHANGES,
    "a setting's state": STATES,
    "a facet": FACETS,
    "a configuration mode": CMODES,
    "a function's role": ROLES,
    "a plane": PLANES,
    "a severity": SEVERITIES,
}
"""All words, by what kind of word they are."""

ITEM_CLASSES: Mapping[int, str] = {
    0: "of the ASIC", 1: "of a port", 2: "of the BMC", 3: "of the calling host and function", 4: "of a host's port",
    6: "in files only", 7: "of the host", 9: "of a module (cage)",
}  # fmt: skip
"""Whose flash items of a class are (PRM `config_item_type`); the others are not read."""
