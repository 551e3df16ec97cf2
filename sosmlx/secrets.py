"""Secrets in texts: passwords, tokens and private keys are cut out before a byte is stored, whatever is asked for."""

from __future__ import annotations

import re

CUT = b"<secret>"
"""What stands in a secret's place. It is the same for every secret: a short one could be guessed from any digest."""

_NAMES = rb"(?:(?:vnc)?pass(?:word|wd|phrase)|rootpw|secret|(?:api|access|private)[_-]?key|auth[_-]?token)"
_SHORT = rb"(?:(?:cifs)?pass|pwd|token|psk|credentials?(?:_binary)?)"
"""Names that mean a secret before an equals sign only: with a colon tools print verdicts and states under them."""

_SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    rb"(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    # name=value, name: value, "name": "value"; the name may be the end of a dotted one (rd.iscsi.password=). A value
    # in quotes goes up to the other quote, any other one up to a blank: what ends it is a sign of passwords, too.
    rb"|(?P<name>(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,64}[._-]){0,6}"
    rb"(?:" + _NAMES + rb"(?P<key>[\"'])?[ \t]{0,8}[=:][ \t]{0,8}|" + _SHORT + rb"=)[\"']?)"
    rb"(?P<value>(?<=\")(?:\\.|[^\"\\\n])+|(?<=')(?:\\.|[^'\\\n])+|(?(key)[^\s\"',\[\]{}]+|(?:\\.|[^\s\"'\\])+))"
    rb"|(?P<option>(?<![^\s])--(?:" + _NAMES + rb"|token)[ \t])[^\s\"'-][^\s\"']*"
    rb"|(?P<query>[?&](?:sig|signature|key|code|auth|x-amz-[a-z-]{1,32})=)[^\s\"'&]+"
    rb"|(?P<bearer>\b(?:Bearer|Basic|Authorization:[ \t]?[A-Za-z]{1,16})\s)(?P<ticket>[A-Za-z0-9._~+/=-]{8,})"
    # keys of NVMe over fabrics: DH-HMAC-CHAP and TLS pre-shared, in the form that nvme-cli writes
    rb"|(?P<nvme>\b(?:DHHC-1|NVMeTLSkey-1):[0-9]{2}:)[A-Za-z0-9+/=]+"
    # scheme://user:password@host, and dracut's netroot=iscsi:user:password[:user:password]@host; a password may hold
    # an at sign, and dracut's a slash
    rb"|(?P<user>://[^\s/@:\"']{0,128}):(?P<rest>[^\s/\"']{1,256})(?=@)"
    rb"|(?P<login>\biscsi:[^\s/@:\"']{0,128}):(?P<word>[^\s\"']{1,256})(?=@)",
    re.IGNORECASE | re.DOTALL,
)


def without_secrets(data: bytes) -> bytes:
    """Cut passwords, tokens and private keys out of a text; bytes that hold none come back as they are.

    >>> without_secrets(b"ip=dhcp netroot=iscsi:ann:s3cret@192.0.2.1::3260::iqn.x rd.iscsi.password=s3cret quiet")
    b'ip=dhcp netroot=iscsi:ann:<secret>@192.0.2.1::3260::iqn.x rd.iscsi.password=<secret> quiet'
    """
    return _SECRETS.sub(_cut, data) if data else data


def _cut(match: re.Match[bytes]) -> bytes:
    before = match["user"] or match["login"]
    if before is not None:
        return before + b":" + CUT
    if match["key"] and match["name"][-1:] not in b"\"'":  # a number or a word of JSON: it stays JSON
        return match["name"] + match["key"] + CUT + match["key"]
    return next((match[name] for name in ("name", "option", "query", "bearer", "nvme") if match[name]), b"") + CUT
