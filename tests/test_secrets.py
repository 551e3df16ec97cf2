"""Secrets are cut out before a byte is stored, whatever is asked for."""

from __future__ import annotations

import pytest

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.spec import Collector, Command, File
from sosmlx.secrets import without_secrets
from sosmlx.simulator.host import ScenarioSource

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("rd.iscsi.password=s3cret quiet", "rd.iscsi.password=<secret> quiet"),
        ("rd.iscsi.in.password=s3cret", "rd.iscsi.in.password=<secret>"),
        (
            "netroot=iscsi:ann:s3cret:eve:t0p@192.0.2.1::3260::iqn.x",
            "netroot=iscsi:ann:<secret>@192.0.2.1::3260::iqn.x",
        ),
        ("proxy=http://ann:s3cret@px:3128 ro", "proxy=http://ann:<secret>@px:3128 ro"),
        ("root=cifs://ann:s3cret@nas/share", "root=cifs://ann:<secret>@nas/share"),
        ("inst.rdp.password=s3cret", "inst.rdp.password=<secret>"),
        ('{"password": "s3cret", "a": 1}', '{"password": "<secret>", "a": 1}'),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer <secret>"),
        (f"a\n{KEY}\nb", "a\n<secret>\nb"),
        ("debug token: active", "debug token: active"),
        ("bypass: yes pass: 3", "bypass: yes pass: 3"),
        ("ssh://host/path user@host", "ssh://host/path user@host"),
    ],
)
def test_a_secret_is_cut_out_and_the_rest_stays(text: str, left: str) -> None:
    assert without_secrets(text.encode()) == left.encode()


def test_a_collection_never_holds_a_secret_of_the_command_line() -> None:
    scenario = {"files": {"/proc/cmdline": "ro rd.iscsi.password=s3cret netroot=iscsi:ann:s3cret@192.0.2.1::x\n"}}
    reads = Collector("kernel", "", (File("kernel.cmdline", "/proc/cmdline"), Command("kernel.log", ("dmesg", "-k"))))

    records = Engine(ScenarioSource(scenario, "x")).collect([reads])

    assert [b"s3cret" in record.data + record.answer.stderr for record in records] == [False, False]
