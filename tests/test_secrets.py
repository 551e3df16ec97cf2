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
        ("root=cifs://x cifsuser=ann cifspass=s3cret ro", "root=cifs://x cifsuser=ann cifspass=<secret> ro"),
        ("inst.vncpassword=s3cret", "inst.vncpassword=<secret>"),
        ("systemd.set_credential_binary=pw:czNjcmV0", "systemd.set_credential_binary=<secret>"),
        ("netroot=iscsi:ann:s3/cr@et@192.0.2.1::x", "netroot=iscsi:ann:<secret>@192.0.2.1::x"),
        ("http://ann:s3@cret@px/a", "http://ann:<secret>@px/a"),
        ("http://px/ks?a=1&X-Amz-Signature=s3cret&b=2", "http://px/ks?a=1&X-Amz-Signature=<secret>&b=2"),
        ("password=s3,cr;e&t quiet", "password=<secret> quiet"),
        ('password="s3cret two" quiet', 'password="<secret>" quiet'),
        ('{"say": "password=s3\\"cret", "a": 1}', '{"say": "password=<secret>", "a": 1}'),
        ('{"password": null, "a": 1}', '{"password": "<secret>", "a": 1}'),
        ("password  =  s3cret", "password  =  <secret>"),
        ("SecureOn password: 00:11:22:33:44:55", "SecureOn password: <secret>"),
        ("tool --password s3cret -x", "tool --password <secret> -x"),
        ("key DHHC-1:00:czNjcmV0:", "key DHHC-1:00:<secret>:"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\ns3cret", "<secret>"),
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
