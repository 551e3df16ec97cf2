"""What identities look like in a text, whoever spelled them: one expression, gone through once from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterable

_START = r"(?:(?<![0-9A-Za-z])|(?<=\x1b\[\d\dm)|(?<=\x1b\[\dm)|(?<=;\d\dm)|(?<=\\[nrt]))"
"""Where a word may begin: also behind a colour's escape sequence, or an escaped line end in JSON."""

_END = r"(?![0-9A-Za-z])"

_PARTS = {
    "iqn": _START + r"(?:iqn\.\d{4}-\d\d\.|nqn\.\d{4}-\d\d\.|naa\.|eui\.)[^\s\"',;<>\\]{2,223}",
    "mail": _START + r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}" + _END,
    "url": r"(?<=://)(?:[^\s/@\"']{1,256}@)?(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})",
    "login": r"(?<=iscsi:)[^\s:@/\"']{1,64}(?=[:@])",
    "home": r"(?<=/home/)[^\s/:\"',;<>\\]{1,64}|(?<=/Users/)[^\s/:\"',;<>\\]{1,64}",
    "user": r"(?<![A-Za-z0-9])(?:user(?:name)?|login|logname|sudo_user)=[\"']?(?!<)[A-Za-z_][A-Za-z0-9_.-]{0,63}",
    "disk": r"(?<=/by-id/)[A-Za-z0-9._:+-]{1,255}|" + _START + r"(?:wwn|nguid)[-.](?:0x)?[0-9A-Fa-f]{16,32}" + _END,
    "told": r"(?<![A-Za-z])(?:Serial[ _-]?(?:Number|No)?|(?:product|chassis|board)_serial|Vendor SN)[\"']?"
    r"[ \t]{0,40}[:=][ \t]{0,8}[\"']?[A-Za-z0-9][A-Za-z0-9._-]{4,63}" + _END,
    "account": r"(?<![A-Za-z0-9])(?:(?:acct|auid|uid|ruser|euid)=[\"'](?!<)|ruser=(?!<)|(?:for|of) user "
    r"|[ug]id=\d{1,10}\()[A-Za-z_][A-Za-z0-9_.-]{0,63}",
    "uuid": _START + r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}" + _END,
    "mapped": _START + r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){1,6}:(?:\d{1,3}\.){3}\d{1,3}" + _END,
    "colons": _START + r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,40}" + _END,
    "dashes": _START + r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5,19}" + _END,
    "blanks": _START + r"[0-9A-Fa-f]{2}(?:[ _][0-9A-Fa-f]{2}){5,19}" + _END,
    "coded": r"(?:(?:0x|\\x)[0-9A-Fa-f]{2}(?![0-9A-Fa-f])[, ]{0,2}){6,20}",
    "halves": _START + r"(?:[0-9A-Fa-f]{6}[-:.][0-9A-Fa-f]{6}|[0-9A-Fa-f]{4}(?:-[0-9A-Fa-f]{4}){2})" + _END,
    "dots": _START + r"(?<!\.)[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}" + _END + r"(?!\.)",
    "ipv4": _START + r"(?<![.])(?:\d{1,3}\.){3}\d{1,3}" + _END + r"(?!\.\d)",
    "named": r"(?<![A-Za-z])(?:enx|wlx|ibx|ibp|rocex|rocep|iwx)(?:[0-9A-Fa-f]{16}|[0-9A-Fa-f]{12})" + _END,
    "hex": _START
    + r"(?:0[xX])?(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{8})"
    + _END,
}
"""Each shape by its name; where several fit, the first one counts. Every repetition has a bound: time is linear."""


def expression(
    names: Iterable[str], loose: Iterable[str], hosts: Iterable[str], domains: Iterable[str]
) -> re.Pattern[str]:
    """Compile all shapes, and before them the values that are known: `loose` ones anywhere, `names` as whole words.

    A host may have a domain behind it, and a domain any host before it.
    """
    own = {
        "loose": _alternatives(loose),
        "host": _START
        + r"(?:[A-Za-z0-9._%+-]{1,64}@)?"
        + _alternatives(hosts)
        + r"(?:\.[A-Za-z0-9-]{1,63}){0,8}"
        + _END,
        "fqdn": _START + r"(?:[A-Za-z0-9-]{1,63}\.){0,6}" + _alternatives(domains) + _END,
        "word": _START + _alternatives(names) + _END,
    }
    given = {"loose": loose, "host": hosts, "fqdn": domains, "word": names}
    parts = {**{name: body for name, body in own.items() if list(given[name])}, **_PARTS}
    order = ["iqn", "mail", "url", *(name for name in own if name in parts), *list(_PARTS)[3:]]
    return re.compile("|".join(f"(?P<{name}>{parts[name]})" for name in order), re.IGNORECASE)


def _alternatives(words: Iterable[str]) -> str:
    """Spell words as one expression that looks at each sign of a text once: a tree of their beginnings."""
    tree: dict[str, object] = {}
    for word in words:
        here = tree
        for sign in word.lower():
            here = here.setdefault(sign, {})  # type: ignore[assignment]
        here[""] = {}
    return _spell(tree)


def _spell(tree: dict[str, object]) -> str:
    rest = [re.escape(sign) + _spell(below) for sign, below in sorted(tree.items()) if sign and isinstance(below, dict)]
    if not rest:
        return ""
    whole = rest[0] if len(rest) == 1 and "" not in tree else f"(?:{'|'.join(rest)})"
    return f"(?:{whole})?" if "" in tree else whole
