"""Secrets in texts: passwords, tokens and private keys are cut out before a byte is stored, whatever is asked for."""

from __future__ import annotations

import re

CUT = b"<secret>"
"""What stands in a secret's place. It is the same for every secret: a short one could be guessed from any digest."""

_NAMES = rb"(?:pass(?:word|wd|phrase)|rootpw|secret|(?:api|access|private)[_-]?key|auth[_-]?token)"
_SHORT = rb"(?:pass|pwd|token|psk|credentials?)"
"""Names that mean a secret before an equals sign only: with a colon tools print verdicts and states under them."""

_SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    # name=value, name: value, "name": "value"; the name may be the end of a dotted one (rd.iscsi.password=)
    rb"|(?P<name>(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,64}[._-]){0,6}"
    rb"(?:" + _NAMES + rb"[\"']?(?:=|\s?:\s?)|" + _SHORT + rb"=)[\"']?)(?P<value>[^\s\"',;&]+)"
    rb"|(?P<bearer>\b(?:Bearer|Basic)\s)(?P<ticket>[A-Za-z0-9._~+/=-]{8,})"
    # scheme://user:password@host, and dracut's netroot=iscsi:user:password[:user:password]@host
    rb"|(?P<user>(?:://|\biscsi:)[^\s/@:\"']{0,128}):(?P<rest>[^\s/@\"']{1,256})(?=@)",
    re.IGNORECASE | re.DOTALL,
)


def without_secrets(data: bytes) -> bytes:
    """Cut passwords, tokens and private keys out of a text; bytes that hold none come back as they are.

    >>> without_secrets(b"ip=dhcp netroot=iscsi:ann:s3cret@192.0.2.1::3260::iqn.x rd.iscsi.password=s3cret quiet")
    b'ip=dhcp netroot=iscsi:ann:<secret>@192.0.2.1::3260::iqn.x rd.iscsi.password=<secret> quiet'
    """
    return _SECRETS.sub(_cut, data) if data else data


def _cut(match: re.Match[bytes]) -> bytes:
    kept = match["name"] or match["bearer"] or (match["user"] + b":" if match["user"] is not None else b"")
    return kept + CUT
