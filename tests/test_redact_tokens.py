"""What tokens keep: their shape, their length, that two are equal only where the identities were."""

from __future__ import annotations

import ipaddress
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.redact.known import Known
from sosmlx.redact.permutation import permute
from sosmlx.redact.text import Text
from sosmlx.redact.tokens import Tokens

KEY = bytes(range(32))


def text(*hosts: str, key: bytes = KEY) -> Text:
    known = Known()
    for host in hosts:
        known.host(host)
    return Text(Tokens(key), known)


@given(st.integers(1, 2000), st.binary(max_size=8))
def test_numbers_below_a_bound_are_mapped_one_to_one(size: int, tweak: bytes) -> None:
    assert {permute(KEY, tweak, number, size) for number in range(size)} == set(range(size))


@pytest.mark.parametrize(("kind", "size"), [("mac", 6), ("eui64", 8), ("ipv4", 4), ("ipv6", 16), ("uuid", 16)])
@given(data=st.data())
def test_addresses_are_mapped_one_to_one_and_keep_their_length(kind: str, size: int, data: st.DataObject) -> None:
    values = data.draw(st.sets(st.binary(min_size=size, max_size=size), max_size=12))
    make: Callable[[bytes], bytes] = getattr(Tokens(KEY), kind)

    made = {make(value) for value in values}

    assert (len(made), {len(token) for token in made} <= {size}) == (len(values), True)


@given(st.sets(st.text("MTABz019-", min_size=1, max_size=20), max_size=12))
def test_serials_are_mapped_one_to_one_sign_by_sign(serials: set[str]) -> None:
    made = {serial: Tokens(KEY).serial(serial) for serial in serials}

    shapes = [
        (len(serial), [sign.isdigit() for sign in serial]) == (len(token), [sign.isdigit() for sign in token])
        for serial, token in made.items()
    ]
    assert (len(set(made.values())), all(shapes)) == (len(serials), True)


@given(st.binary(min_size=6, max_size=6))
def test_a_mac_keeps_what_says_its_vendor_or_that_it_was_chosen(mac: bytes) -> None:
    kept = 1 if mac[0] & 3 == 2 else 3

    assert Tokens(KEY).mac(mac)[:kept] == mac[:kept]


@given(st.integers(0, 2**24 - 1))
def test_what_was_made_of_a_mac_is_made_of_its_token(low: int) -> None:
    tail, tokens = low.to_bytes(3, "big"), Tokens(KEY)
    mac = tokens.mac(b"\xb8\xce\xf6" + tail)

    assert (
        tokens.eui64(b"\xb8\xce\xf6\x03\x00" + tail),
        tokens.eui64(b"\0\0\xb8\xce\xf6" + tail),
        tokens.ipv6(b"\xfe\x80" + bytes(6) + b"\xba\xce\xf6\xff\xfe" + tail),
    ) == (
        b"\xb8\xce\xf6\x03\x00" + mac[3:],
        b"\0\0" + mac,
        b"\xfe\x80" + bytes(6) + b"\xba\xce\xf6\xff\xfe" + mac[3:],
    )


@pytest.mark.parametrize(
    "words",
    [
        "127.0.0.1", "255.255.255.0", "::1", "::", "ff02::1", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
        "01:80:c2:00:00:0e", "0000:3b:00.0", "22.39.3560", "version 4.24.0.72", "12:34:56", "0x8000000000000000",
        "387fe0000000", "MT_0000000359", "MCX623106AN-CDAT", "enp59s0f0np0", "6.15.4-300.el10.x86_64", "23.10-0.5.5.0",
        "localhost", "a0:b1:c2:d3:e4:f5:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:01:02:03:04:05:06:07:08:09",
    ],
)  # fmt: skip
def test_what_tells_no_host_apart_stays(words: str) -> None:
    assert text("db1.example.com").text(words) == words


SPELLINGS = (
    "b8:ce:f6:11:22:30", "B8-CE-F6-11-22-30", "b8ce.f611.2230", "b8cef6112230", "0000b8cef6112230", "0xb8cef6112230",
    "b8cef60300112230", "b8ce:f603:0011:2230", "b8:ce:f6:03:00:11:22:30", "enxb8cef6112230", "eth0:b8:ce:f6:11:22:30",
    "bond0:b8:ce:f6:11:22:30", "fe80::bace:f6ff:fe11:2230", "fe80:0000:0000:0000:bace:f6ff:fe11:2230",
    "80:00:02:08:fe:80:00:00:00:00:00:00:b8:ce:f6:03:00:11:22:30", "\x1b[35mb8:ce:f6:11:22:30\x1b[0m",
    '{"a":"x\\nb8:ce:f6:11:22:30"}', "BOOTIF=01-b8-ce-f6-11-22-30", "b8 ce f6 11 22 30", "b8-ce-f6-ff-fe-11-22-30",
)  # fmt: skip


@pytest.mark.parametrize("words", SPELLINGS)
def test_a_mac_is_the_same_token_in_every_spelling(words: str) -> None:
    tail = Tokens(KEY).mac(bytes.fromhex("b8cef6112230")).hex()[6:]

    made = text().text(words)

    digits = "".join(sign for sign in made.lower() if sign in "0123456789abcdef")
    assert (tail in digits, "112230" in digits, len(made)) == (True, False, len(words))


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("db1 is up", "db1"),
        ("db1.example.com", "example"),
        ("db2.example.com", "db2"),
        ("sosmlx-db1-before", "db1"),
        ("10.20.30.40/24", "20.30"),
        ("::ffff:10.20.30.40", "20.30"),
        ("0000:0000:0000:0000:0000:ffff:0a14:1e28", "0a14"),
        ("2001:db8:12:34::5", "db8:12:34"),
        ("/home/alice/bundles", "alice"),
        ("user=alice", "alice"),
        ("alice@corp.example.org", "corp"),
        ("https://alice:s3cret@ks.corp/x", "s3cret"),
        ("https://alice:s3cret@ks.corp/x", "ks.corp"),
        ("netroot=iscsi:alice:s3cret@10.20.30.40::3260::iqn.2020-01.com.corp:t1", "alice"),
        ("netroot=iscsi:alice:s3cret@10.20.30.40::3260::iqn.2020-01.com.corp:t1", "corp"),
        ("rd.iscsi.password=s3cret", "s3cret"),
        ("rd.luks.uuid=0a1b2c3d-1111-4222-8333-123456789abc", "123456789abc"),
        ("nqn.2014-08.org.nvmexpress:uuid:0a1b2c3d-1111-4222-8333-123456789abc", "123456789abc"),
    ],
)
def test_what_tells_a_host_or_user_is_gone(words: str, gone: str) -> None:
    assert gone not in text("db1.example.com").text(words)


@given(st.lists(st.sampled_from([*SPELLINGS, "db1", "10.1.2.3", "plain words", "NUM_OF_VFS 8", "\n"]), max_size=8))
def test_a_text_is_redacted_in_the_same_way_every_time(parts: list[str]) -> None:
    words = " ".join(parts)

    assert text("db1").text(words) == text("db1").text(words)


@given(st.text("0123456789abcdef:.-/ \n", max_size=80))
def test_any_text_is_redacted_and_its_other_key_makes_other_tokens(words: str) -> None:
    made = text().text(words)

    assert isinstance(made, str)


def test_names_that_are_tokens_stay() -> None:
    once = text("db1").text("db1 /home/alice/x")

    assert text(once.partition(" ")[0]).text(once) == once


def test_networks_that_share_a_prefix_still_do() -> None:
    made = [ipaddress.ip_address(text().text(word)) for word in ("10.20.30.40", "10.20.30.41", "10.20.31.40")]

    same = [made[0].packed[:3] == made[1].packed[:3], made[0].packed[:2] == made[2].packed[:2], made[0] == made[1]]
    assert same == [True, True, False]
