"""What may be run and opened: every declared read, and nothing that the deny list knows in any spelling."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.collectors import COLLECTORS, selected
from sosmlx.collectors.plan import plan
from sosmlx.collectors.spec import Command, File, Refusal
from sosmlx.record import Answer, Outcome
from sosmlx.sources import deny, shapes
from sosmlx.sources.guard import DENY, command_refusal, path_refusal
from sosmlx.sources.live import LiveSource
from sosmlx.sources.run import run

ALL = selected("full", vendor_access=True, options=[row.option for row in COLLECTORS if row.option])
DECLARED = [row.read for row in plan(ALL)]
COMMANDS = sorted({read.argv for read in DECLARED if isinstance(read, Command)})
FILES = sorted({(read.path, read.how) for read in DECLARED if isinstance(read, File)})

PLACEHOLDER = re.compile(r"\{(\w+)\}")
GOOD = {
    "path": "/usr/sbin/ip",
    "tail": "sbin/ip",
    "bdf": "0000:3b:00.0",
    "fwctl": "fwctl0",
    "port": "1",
    "handle": "pci/0000:3b:00.0",
    "number": "1",
}
HOSTILE = (
    "", "-s", "--set-priv-flags", "--flash", "-batch", "a b", "a\nb", "../../x", "x/../../y", "$(id)", "a;b", "\0", "ü",
    "x" * 300,
)  # fmt: skip


def filled(word: str, name: str | None = None) -> str:
    return PLACEHOLDER.sub(lambda found: GOOD.get(found[1], "eth0") if name is None else name, word)


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_declared_command_may_be_run(argv: tuple[str, ...]) -> None:
    assert command_refusal([filled(word) for word in argv]) == ""


@pytest.mark.parametrize("argv", [argv for argv in COMMANDS if PLACEHOLDER.search(" ".join(argv))], ids=" ".join)
def test_a_declared_command_about_a_thing_with_a_hostile_name_is_not_run(argv: tuple[str, ...]) -> None:
    run_all_the_same = [name for name in HOSTILE if not command_refusal([filled(word, name) for word in argv])]

    assert run_all_the_same == []


def test_a_declared_file_may_be_opened() -> None:
    refused = {path: why for path, how in FILES if (why := path_refusal(filled(path), how))}

    assert refused == {}


def test_a_declared_file_of_a_thing_with_a_way_out_in_its_name_is_not_opened() -> None:
    ways = ("../../../../root", "x/../../../etc/ssh", "..", "a\0b")
    opened = [
        (path, way)
        for (path, how), way in product(FILES, ways)
        if PLACEHOLDER.search(path) and not path_refusal(filled(path, way), how)
    ]

    assert opened == []


NEVER_RUN = """
mst start | mst stop | mst restart | mst remote add host | mst cable add | mst ib add | mst gpu add | mst sta
mlxreg -d 0000:3b:00.0 --reg_name PPCC --set x=1 | mstreg -d fwctl0 --reg_name PPCC -y --op 1
mstreg -d fwctl0 --reg_name X | mlxlink -d fwctl0 --pc | mstlink -d fwctl0 --port_state UP
mstlink -d fwctl0 --set_fec RS | mlxlink -d x --prbs_mode EN | mstlink -d fwctl0 --cable --write 1
mstlink -d fwctl0 --link_mode_force | mstlink -d fwctl0 --clear_histogram | mlxconfig -d 0000:3b:00.0 set SRIOV_EN=1
mstconfig -d fwctl0 reset | mstconfig -d fwctl0 apply x | mstconfig -d fwctl0 -y q | mstconfig -d fwctl0 set_raw x
mstconfig -d fwctl0 clear_semaphore | mstconfig -d fwctl0 -e -j /tmp/x q | mget_temp -d fwctl0
mstmget_temp -d fwctl0 | fwtrace -d fwctl0 | mstfwtrace | mstfwreset -d x q | mlxfwreset -q | mstmwrite x 0 0
mstmcra -s x | mstprivhost -d x r | mstflint -d fwctl0 burn | flint -d fwctl0 ri x | mstflint -d x swreset
mstresourcedump dump -d fwctl0 --segment BASIC --with_mem x | devlink dev set pci/0000:3b:00.0
devlink dev reload pci/0000:3b:00.0 | devlink dev flash pci/0000:3b:00.0 file x
devlink dev param set pci/0000:3b:00.0 name x value 1 cmode runtime | devlink dev p s pci/0000:3b:00.0
devlink health recover pci/0000:3b:00.0 reporter fw | devlink health set pci/0000:3b:00.0
devlink health test x reporter y | devlink health dump clear pci/0000:3b:00.0 reporter fw
devlink region new pci/0000:3b:00.0/cr-space | devlink region del pci/0000:3b:00.0/cr-space snapshot 1
devlink sb occupancy snapshot pci/0000:3b:00.0 | devlink sb occupancy clearmax pci/0000:3b:00.0
devlink sb o c pci/0000:3b:00.0 | devlink trap set pci/0000:3b:00.0
devlink resource set pci/0000:3b:00.0 path /x size 1 | devlink port add pci/0000:3b:00.0 flavour pcisf
devlink port del x | devlink port split pci/0000:3b:00.0/1 count 2 | devlink port function set x state active
devlink port function rate set x | devlink dev eswitch set pci/0000:3b:00.0 mode switchdev | devlink mon
devlink -b file | devlink -batch file | ethtool -e eth0 | ethtool -t eth0 | ethtool --cable-test eth0
ethtool --cable-test-tdr eth0 | ethtool --reset eth0 all | ethtool -L eth0 combined 4 | ethtool -G eth0 rx 1
ethtool -K eth0 tso off | ethtool -C eth0 rx-usecs 1 | ethtool -A eth0 rx on | ethtool -s eth0 speed 1
ethtool -X eth0 equal 1 | ethtool -N eth0 rx-flow-hash tcp4 s | ethtool -U eth0 flow-type x
ethtool --set-priv-flags eth0 x on | ethtool --set-fec eth0 encoding rs | ethtool -d eth0 | ethtool -w eth0
ethtool -W eth0 1 | ethtool -f eth0 x | ethtool -E eth0 magic 1 | ethtool -p eth0 | ethtool --monitor
ethtool -Q eth0 --coalesce rx-usecs 1 | ip link set eth0 up | ip link s eth0 up | ip addr add 1.2.3.4 dev eth0
ip route flush all | ip -b x | ip -batch x | ip -f x | ip xfrm state | ip xfrm state show | ip xfrm state list
ip x s show | ip monitor | ip netns exec x sh | ip neigh del x | tc qdisc add dev eth0 root x
tc qdisc del dev eth0 root | tc filter flush dev eth0 | tc monitor | tc -b x | bridge fdb add x dev eth0
bridge vlan del dev eth0 vid 1 | dcb pfc set dev eth0 prio-pfc all:on | dcb app add dev eth0 x
dcb app flush dev eth0 | rdma dev set mlx5_0 name x | rdma link add x type rxe
rdma statistic qp set link mlx5_0/1 auto on | rdma system set netns exclusive | rdma resource set x
vdpa dev add name x mgmtdev y | vdpa dev del x | ibdiagnet | ibdiagnet --pc | perfquery -R | perfquery -r
perfquery --Re | ibclearcounters | ibclearerrors | cma_roce_mode -d mlx5_0 -p 1 | cma_roce_tos -d mlx5_0
lldptool -T -i eth0 | mlnx_tune | mlnx_tune -r | mlnx_qos -i eth0 -p 1 | mlnx_qos -i eth0 --pfc 0,0
sysctl -w a.b=1 | sysctl a.b=1 | sysctl -n a.b=1 | sysctl --sy | sysctl -p | tcpdump -i eth0 | strace -p 1
perf record | curl http://x | wget http://x | ssh x | mlxfwmanager --online-query | ping x
mstfwmanager --online -u | mstfwmanager -d fwctl0 -u | nvidia-bug-report.sh | modprobe mlx5_core | rmmod x
insmod x | mount -t configfs x y | mkdir x | sh -c id | bash | python3 -c 1 | env ip link show
nsenter -t 1 ip link show | sudo ip link | dmesg -c | dmesg -C | dmesg -k -c | dmesg -kc | dmesg --cle | dmesg -n 1
dmesg -w | dmesg --follow | dmesg -D | journalctl -f | journalctl -kf | journalctl --vac
journalctl --vacuum-size=1 | journalctl --rotate | journalctl --flush | systemctl restart openibd | systemctl stop x
systemctl is-active x --now | dkms install x | rpm -e x | rpm -Uvh x | dpkg -i x | mokutil --import x
setpci -s 3b:00.0 0.w=1 | lspci -q | lspci -H1 | nmcli -s connection show | nmcli connection up x
ovs-vsctl set Open_vSwitch . other_config:hw-offload=true | ovs-vsctl add-br x | ovs-appctl vlog/set x
mlnx-sf -a create | teamdctl x port add y | chronyc makestep | lldpcli configure x | lldpad -d | opensm | kexec -e
reboot | no-such-tool
"""


@pytest.mark.parametrize(
    "line", [line.strip() for row in NEVER_RUN.splitlines() for line in row.split("|") if line.strip()]
)
def test_a_command_that_does_more_than_read_is_refused(line: str) -> None:
    assert command_refusal(line.split()).startswith(DENY)


SAMPLES = {
    "NETDEV": "eth0", "NAME": "mlx5_0", "LINK": "mlx5_0/1", "HANDLE": "pci/0000:3b:00.0", "BDF": "0000:3b:00.0",
    "REGION": "pci/0000:3b:00.0/cr-space", "NODE": "fwctl0", "NUMBER": "1", "PCIID": "15b3:", "KEY": "net.core",
    "KEYS": "net.core", "PATH": "/usr/sbin/ip", "FORMAT": "%{NAME}",
}  # fmt: skip


def lines(shape: str) -> list[list[str]]:
    """Write out a shape: each choice once, and all that may be missing, there and not there."""
    bare = re.sub(r"\[[^\[\]]*(?:\[[^\]]*\])?[^\]]*\]\*?", "", shape)
    whole = re.sub(r"[\[\]]\*?", "", shape)
    return [
        list(words)
        for text in dict.fromkeys((bare, whole))
        for words in product(*([SAMPLES.get(word, word) for word in token.split("|")] for token in text.split()))
    ]


SHAPES = [(program, shape) for program in shapes.programs() for shape in shapes.shapes(program)]
ALLOWED = [(program, *words) for program, shape in SHAPES for words in lines(shape)]


def test_the_shapes_and_the_deny_list_agree() -> None:
    refused = {" ".join(argv): why for argv in ALLOWED if (why := command_refusal(argv))}

    assert refused == {}


def test_a_value_can_never_be_an_option() -> None:
    assert [name for name, form in shapes.VALUES.items() if re.match(form, "-s")] == []


DENIED = sorted(
    {
        (tool, word)
        for rule in deny.RULES
        for tool in rule.tools.split()
        for word in (*rule.verbs.split(), *rule.options.split())
    }
)


def spellings(word: str) -> st.SearchStrategy[str]:
    """Give a word in full, shortened (in small letters, an option by no less than two), with a value, or doubled."""
    least = 1 if not word.startswith("-") else 2 if not word.startswith("--") else 4
    short = st.integers(min(least, len(word)), len(word)).map(lambda end: word[:end])
    return st.one_of(st.just(word), short, short.map(lambda text: f"{text}=1"), st.just(f"{word}x"))


@given(st.data())
def test_no_command_with_a_denied_word_in_any_spelling_passes(data: st.DataObject) -> None:
    tool, word = data.draw(st.sampled_from(DENIED))
    argv = data.draw(st.sampled_from([argv for argv in ALLOWED if argv[0] == tool]))
    spelt = data.draw(spellings(word))
    at = data.draw(st.integers(1, len(argv)))

    line = (*argv[:at], spelt, *argv[at:]) if data.draw(st.booleans()) else (*argv[:at], spelt, *argv[at + 1 :])

    assert command_refusal(line) or line in ALLOWED or _only_names(line, spelt)


def _only_names(line: tuple[str, ...], spelt: str) -> bool:
    """Tell whether a word that is no whole denied word stands where a thing's name stands: there it is a name."""
    whole = any(spelt == word for _, word in DENIED)
    return (
        not whole
        and not spelt.startswith("-")
        and any(
            tuple("eth0" if word == spelt else word for word in line) == other
            or tuple("mlx5_0" if word == spelt else word for word in line) == other
            or tuple("mlx5_0/1" if word == spelt else word for word in line) == other
            for other in ALLOWED
        )
    )


@pytest.mark.parametrize(
    "path",
    [
        "/sys/bus/pci/devices/0000:3b:00.0/resource", "/sys/bus/pci/devices/0000:3b:00.0/resource0",
        "/sys/bus/pci/devices/0000:3b:00.0/resource2_wc", "/sys/bus/pci/devices/0000:3b:00.0/rom",
        "/sys/bus/pci/devices/0000:3b:00.0/reset", "/sys/bus/pci/devices/0000:3b:00.0/remove", "/sys/bus/pci/rescan",
        "/sys/bus/pci/drivers/mlx5_core/unbind", "/sys/kernel/debug/tracing/trace_pipe", "/proc/kmsg", "/proc/kcore",
        "/sys/kernel/tracing/per_cpu/cpu0/trace_pipe_raw", "/sys/kernel/debug/mlx5/0000:3b:00.0/cmd/in",
        "/proc/sysrq-trigger", "/etc/NetworkManager/system-connections/a.nmconnection", "/etc/netplan/50-cloud.yaml",
        "/etc/openvswitch/conf.db", "/var/lib/openvswitch/conf.db", "/boot/grub2/grub.cfg", "/etc/ssh/ssh_host_rsa_key",
        "/etc/shadow", "/root/.ssh/id_rsa", "/root/.kube/config", "/home/x/y", "/etc/kubernetes/admin.conf",
        "/proc/1/environ", "/proc/self/mem", "/etc/pki/tls/private/x.key", "/etc/wpa_supplicant/wpa.conf",
        "/sys/firmware/efi/efivars/RedfishCredentials-1", "/dev/rshim0/misc", "/dev/mem", "/dev/fwctl/fwctl0",
        "/dev/mst/mt4125_pciconf0", "relative", "", "/", "/sys/../etc/x", "//etc/shadow", "/etc/./shadow",
        "/etc//shadow", "/proc/self/task/1/environ", "/proc/1/cmdline", "/sys/module/", "/etc/iscsi/iscsid.conf",
        "/etc/sysconfig/network-scripts/keys-eth0", "/etc/grub.d/40_custom",
    ],
)  # fmt: skip
def test_a_file_that_acts_blocks_or_holds_secrets_is_not_opened(path: str) -> None:
    answer = LiveSource(lambda path, how: Answer(b"read")).read(path, "bytes", 5.0)

    assert (answer.outcome, answer.reason[: len(DENY)], answer.data) == (Outcome.SKIPPED, DENY, b"")


def test_a_denied_program_is_not_run_though_it_is_there(tmp_path: Path) -> None:
    program = tmp_path / "ethtool"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)

    answer = run(("ethtool", "-e", "eth0"), 5.0, search=[str(tmp_path)])

    assert (answer.outcome, answer.reason.startswith(DENY), (tmp_path / "ran").exists()) == (
        Outcome.SKIPPED,
        True,
        False,
    )


def test_a_refused_read_is_declared_with_its_reason_and_no_more() -> None:
    assert [read for read in DECLARED if isinstance(read, Refusal) and not read.reason] == []
