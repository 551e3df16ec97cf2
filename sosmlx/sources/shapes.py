"""The command lines that sosmlx may run, tool by tool: everything else is refused before a program is looked for.

A shape is a line of words. A small word stands for itself, in full: the abbreviations that iproute2 and getopt accept
are no words here. A word in capitals stands for a value of one form (`VALUES`), `a|b` for either, `[…]` for a part that
may be missing, `[…]*` for one that may come again. A tool's `flags` may stand before any of its shapes.

Which command lines read only: devlink(8), ip(8), ethtool(8), tc(8), bridge(8), dcb(8), rdma(8), vdpa(8), dpll(8),
lspci(8), dmesg(1), journalctl(1), modinfo(8), ovs-vsctl(8), and the usage texts of mstflint's tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from re import Pattern
from typing import NamedTuple

VALUES: Mapping[str, str] = {
    "NETDEV": r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,14}",
    "NAME": r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,62}",
    "LINK": r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,62}(?:/\d{1,5})?",
    "HANDLE": r"[a-z][a-z0-9_]{0,15}/[A-Za-z0-9_][A-Za-z0-9_.:-]{0,61}(?:/\d{1,10})?",
    "REGION": r"[a-z][a-z0-9_]{0,15}/[A-Za-z0-9_][A-Za-z0-9_.:-]{0,61}(?:/\d{1,10})?/[A-Za-z0-9_][A-Za-z0-9_.-]{0,61}",
    "BDF": r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]",
    "NODE": r"(?:/dev/fwctl/)?fwctl\d{1,4}|[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]",
    "NUMBER": r"\d{1,10}",
    "PCIID": r"[0-9a-f]{0,4}:[0-9a-f]{0,4}(?::[0-9a-f]{0,4})?",
    "KEY": r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}",
    "KEYS": r"[A-Za-z0-9_:][A-Za-z0-9_.,:=/-]{0,126}",
    "PATH": r"(?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9_.@+-]{1,127}){1,16}",
    "TAIL": r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}(?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9_.@+-]{1,127}){0,15}",
    "FORMAT": r"[A-Za-z%$][A-Za-z0-9_%$\{\}\[\]\\|:;,.=* /-]{1,200}",
}
"""The forms of values. None begins with a dash, so that no value can be taken for an option."""


class Tool(NamedTuple):
    """A program's flags, as a pattern, and its shapes."""

    shapes: str
    flags: str = r"(?!)"


_IPROUTE = r"-(?:j|json|p|pretty|d|details|s|statistics|4|6)"
_VERSION = "-V|--version"

TOOLS: Mapping[str, Tool] = {
    "devlink": Tool(
        f"""
        {_VERSION}
        dev show|info [HANDLE]
        dev param show [HANDLE [name NAME]]
        dev eswitch show HANDLE
        dev selftests show [HANDLE]
        port show [HANDLE|NETDEV]
        port param show [HANDLE [name NAME]]
        port function rate show [HANDLE]
        port health show [HANDLE [reporter NAME]]
        health show [HANDLE [reporter NAME]]
        health diagnose HANDLE reporter NAME
        health dump show HANDLE reporter NAME
        region show [REGION]
        region dump REGION snapshot NUMBER
        sb show [HANDLE [sb NUMBER]]
        sb pool show [HANDLE]
        sb port pool show [HANDLE]
        sb tc bind show [HANDLE]
        sb occupancy show HANDLE
        resource show HANDLE
        dpipe table|header show HANDLE [name NAME]
        trap show [HANDLE]
        trap group|policer show [HANDLE]
        lc show [HANDLE]
        linecard show [HANDLE]
        """,
        rf"{_IPROUTE}|-v|--verbose",
    ),
    "ip": Tool(
        f"""
        {_VERSION}
        link|addr|address|maddr|neigh show [dev NETDEV]
        link|addr|address show type NAME
        link|addr|address show [dev NETDEV] up
        route show [table all|NAME] [dev NETDEV]
        rule|vrf|nexthop|macsec show
        rule|netns list
        netns list-id
        xfrm state|policy list|show nokeys
        """,
        _IPROUTE,
    ),
    "ethtool": Tool(
        """
        --version|--help
        [--json] [-I|--include-statistics] NETDEV
        [--json] -a|--show-pause|-c|--show-coalesce|-g|--show-ring|-k|--show-features|-l|--show-channels NETDEV
        [--json] -i|--driver NETDEV
        [--json] -m|--module-info|-n|--show-ntuple|--show-nfc|-P|--show-permaddr|-T|--show-time-stamping NETDEV
        [--json] -x|--show-rxfh|--show-rxfh-indir NETDEV [context NUMBER]
        [--json] -n|--show-nfc NETDEV rx-flow-hash NAME
        [--json] [-I|--include-statistics] -S|--statistics NETDEV [--all-groups]
        [--json] [-I|--include-statistics] -S|--statistics NETDEV --groups NAME [NAME]*
        [--json] [-I|--include-statistics] --show-fec|--show-pause|-a NETDEV
        [--json] --phy-statistics|--show-eee|--show-module|--show-priv-flags|--show-tunnels|--show-phys NETDEV
        [--json] --show-mm|--get-plca-cfg|--get-plca-status|--show-pse|--get-hwtimestamp-cfg|-u NETDEV
        [--json] --get-phy-tunable NETDEV downshift|fast-link-down|energy-detect-power-down
        [--json] --get-tunable NETDEV rx-copybreak|tx-copybreak|tx-buf-size|pfc-prevention-tout
        """
    ),
    "rdma": Tool(
        f"""
        {_VERSION}
        dev|link show [LINK]
        system show [netns]
        resource show [qp|cq|pd|mr|cm_id|ctx|srq [link LINK]]
        resource show cq|pd|mr|ctx|srq dev NAME
        resource show LINK
        statistic show [link LINK]
        statistic mode [supported] [show] [link LINK]
        statistic qp|mr|cntr show [link LINK]
        statistic qp mode [link LINK]
        """,
        _IPROUTE,
    ),
    "tc": Tool(
        f"""
        {_VERSION}
        qdisc|class show [dev NETDEV]
        filter|chain show dev NETDEV [ingress|egress|root]
        filter|chain show block NUMBER
        action list|show action NAME
        """,
        _IPROUTE,
    ),
    "bridge": Tool(
        f"""
        {_VERSION}
        link|vlan|fdb|mdb|vni show [dev NETDEV]
        fdb show br NETDEV
        vlan global|tunnelshow show [dev NETDEV]
        """,
        _IPROUTE,
    ),
    "dcb": Tool(
        f"""
        {_VERSION}
        app|pfc|ets|buffer|maxrate|dcbx|apptrust|rewr show dev NETDEV
        """,
        rf"{_IPROUTE}|-i|-n",
    ),
    "vdpa": Tool(
        f"""
        {_VERSION}
        mgmtdev|dev show [LINK|HANDLE]
        dev config show [NAME]
        """,
        _IPROUTE,
    ),
    "dpll": Tool(
        f"""
        {_VERSION}
        device|pin show [id NUMBER]
        """,
        _IPROUTE,
    ),
    "lspci": Tool(
        """
        --version
        [-d PCIID] [-s BDF] [-PP|-P|-t|-tv|-tvnn]
        """,
        r"-(?:[DnvkmxPb]|nn|nnvvv|vv|vvv|mm|vmm|nnk|xxx|xxxx|PP)",
    ),
    "dmesg": Tool(
        """
        --version
        -k|--kernel
        """,
        r"-(?:x|-decode|T|-ctime|-nopager|P)|--time-format=(?:iso|raw|ctime)",
    ),
    "journalctl": Tool(
        """
        --version
        -k|--dmesg
        -u|--unit KEYS
        _TRANSPORT=kernel
        --list-boots
        """,
        r"-(?:b|q|a|-boot|-quiet|-all|-no-pager|-utc|-no-hostname|k)|(?:-o|--output=)(?:json|short-monotonic|short-iso)"
        r"|-o\0(?:json|short-monotonic|short-iso|cat)|(?:-b|--boot=)(?:-?\d{1,3}|[0-9a-f]{32})|-b\0(?:0|[0-9a-f]{32})"
        r"|(?:-n|--lines=)\d{1,7}|-n\0\d{1,7}|--since=[A-Za-z0-9: -]{1,40}|--grep=[A-Za-z0-9_|.:\[\]-]{1,200}",
    ),
    "modinfo": Tool(
        """
        --version|-V
        [-0] [-k KEY] [-F KEY] NAME [NAME]*
        [-0] [-F KEY] PATH
        """
    ),
    "lsmod": Tool(""),
    "uname": Tool("-a|-r|-m"),
    "lscpu": Tool("[-J|--json] [-e|--extended]\n-V|--version"),
    "numactl": Tool("-H|--hardware\n-s|--show"),
    "numastat": Tool("[-v|-m|-c]"),
    "lstopo-no-graphics": Tool("[--of console|xml|ascii] [--no-io|--whole-io]\n--version"),
    "dmidecode": Tool("[-t system|baseboard|slot|bios|chassis|NUMBER]*\n-V|--version"),
    "mokutil": Tool("--sb-state\n--version"),
    "sysctl": Tool("-n|-b KEY [KEY]*\n-a|--all [-r KEY]"),
    "findmnt": Tool("[-J|--json] [-l|--list] [-t KEYS]"),
    "chronyc": Tool("[-n] tracking|sources|sourcestats"),
    "dkms": Tool("status\n--version"),
    "rpm": Tool("--version\n-qa [--qf FORMAT]\n-q [--qf FORMAT] NAME [NAME]*\n-qf [--qf FORMAT] PATH [PATH]*"),
    "dpkg-query": Tool(
        "--version\n-S|--search PATH [PATH]*\n-S|--search TAIL\n-W|--show [-f FORMAT] [NAME]*",
        rf"(?:-f=?|--showformat=){VALUES['FORMAT']}",
    ),
    "dpkg": Tool("--version\n-S|--search PATH [PATH]*\n--print-architecture"),
    "ofed_info": Tool("-s|-n"),
    "systemctl": Tool("is-active|is-enabled NAME [NAME]*\n--version"),
    "ovs-vsctl": Tool(
        """
        --version|-V
        list Open_vSwitch|Bridge|Interface|Port
        [--if-exists] get Open_vSwitch . KEYS
        show
        """,
        r"--timeout=\d{1,3}|-t\d{1,3}|--format=(?:json|list|table)|--data=(?:json|bare|string)|--no-headings"
        r"|--columns=[a-z_,]{1,120}|--no-wait",
    ),
    "ovs-appctl": Tool(
        """
        --version|-V
        dpctl/offload-stats-show|dpctl/show|dpctl/dump-conntrack-stats|dpif-netdev/pmd-rxq-show|coverage/show|version
        dpctl/dump-flows -m type=offloaded
        """,
        r"--timeout=\d{1,3}|-T\d{1,3}",
    ),
    "ovs-dpctl": Tool("--version|-V\nshow\ndump-flows -m type=offloaded", r"--timeout=\d{1,3}"),
    "teamdctl": Tool("NETDEV state dump\nNETDEV state\nNETDEV config dump"),
    "lldpcli": Tool("[-f json|keyvalue] show neighbors|interfaces|statistics|chassis|configuration"),
    "lldptool": Tool("-t|-l -i NETDEV [-V KEY] [-c]"),
    "nmcli": Tool("-t -f all device|general\n[-t] [-f KEYS] device|connection [show]\n--version"),
    "mst": Tool("status|version [-v]"),
    "mstdevices_info": Tool("[-v]"),
    "mdevices_info": Tool("[-v]"),
    "ibstat": Tool("[-V]\n[-l|-p]\nNAME [NUMBER]"),
    "ibstatus": Tool("[LINK]"),
    "ibv_devices": Tool(""),
    "ibv_devinfo": Tool("[-v] [-l] [-d NAME] [-i NUMBER]"),
    "ibhosts": Tool("[-C NAME] [-P NUMBER]"),
    "ibswitches": Tool("[-C NAME] [-P NUMBER]"),
    "iblinkinfo": Tool("[-C NAME] [-P NUMBER]"),
    "ibnetdiscover": Tool("[-C NAME] [-P NUMBER]"),
    "sminfo": Tool("[-C NAME] [-P NUMBER]"),
    "saquery": Tool("[-C NAME] [-P NUMBER] [-N|-S|-L]"),
    "perfquery": Tool("[-C NAME] [-P NUMBER] [-x]"),
    "smpquery": Tool("[-C NAME] [-P NUMBER] nodeinfo|nodedesc|portinfo|pkeys -D 0"),
    "show_gids": Tool("[NAME]"),
    "ibdev2netdev": Tool("[-v]"),
    "nvidia-smi": Tool("topo -m\n-q -x\n--query -x\n-L"),
    "doca_caps": Tool("[--list-devs] [--list-rep-devs] [--list-libs]\n--version"),
    "doca-hugepages": Tool("show"),
    "virtnet": Tool("list\nquery --all\n--version"),
    "mlnx-sf": Tool("-a show [--json] [--pretty]"),
    "mlnx_qos": Tool("-i NETDEV"),
    "mlxdevm": Tool(f"{_VERSION}\ndev show|info [HANDLE]\nport show [HANDLE]\ndev param show [HANDLE]", _IPROUTE),
}  # fmt: skip

_VENDOR: Mapping[str, str] = {
    "config": "-v|--version\n-d NODE [-e] q|query\n-d NODE i|show_confs",
    "flint": "-v|--version\n-d NODE q|query [full]\n-d NODE dc",
    "link": "-v|--version\n-d NODE [-p NUMBER] [--json] [-m] [-c] [-e] [--show_fec] [--show_serdes_tx] [--show_module]"
    " [--show_device] [--show_counters] [--show_eye] [--show_links] [--port_type PCIE]",
    "fwmanager": "-v|--version\n[-d NODE] --query [--query-format XML|TEXT] [--no-progress]",
    "reg": "-v|--version\n-d NODE --get --reg_name KEY [-i KEYS]\n-d NODE --reg_name KEY --get [-i KEYS]\n"
    "-d NODE --show_regs",
    "congestion": "-v|--version\n-d NODE -q|--query",
    "resourcedump": "-v|--version\nquery -d NODE\ndump -d NODE --segment|-s KEY [--index1 NUMBER] [--index2 NUMBER]",
    "vpd": "-v|--version\nBDF",
}
"""Tools that mstflint installs as `mstNAME` and MFT as `mlxNAME` (flint and fwmanager by names of their own)."""

_PREFIXES = {"flint": ("mstflint", "flint"), "config": ("mstconfig", "mlxconfig"), "vpd": ("mstvpd", "mlxvpd")}


def vendor_names(name: str) -> tuple[str, ...]:
    """Return the names under which the packages install a vendor tool."""
    return _PREFIXES.get(name, (f"mst{name}", f"mlx{name}"))


def _shapes(program: str) -> Tool | None:
    if program in TOOLS:
        return TOOLS[program]
    found = next((shapes for name, shapes in _VENDOR.items() if program in vendor_names(name)), None)
    return None if found is None else Tool(found)


def programs() -> list[str]:
    """Name the programs that may be run at all."""
    return sorted([*TOOLS, *(name for tool in _VENDOR for name in vendor_names(tool))])


def shapes(program: str) -> list[str]:
    """List the shapes of a program; an empty one is the program alone."""
    tool = _shapes(program)
    return (
        [] if tool is None else [line.strip() for line in tool.shapes.strip("\n").split("\n") if line.strip()] or [""]
    )


@cache
def _pattern(program: str) -> Pattern[str] | None:
    tool = _shapes(program)
    if tool is None:
        return None
    lines = "|".join(_compiled(shape) for shape in shapes(program))
    return re.compile(rf"(?:\0(?:{tool.flags}))*(?:{lines})\Z")


_TOKEN = re.compile(r"\[|\]\*|\]|[^\s\[\]]+")
_GROUPS = {"[": "(?:", "]": ")?", "]*": ")*"}


def _compiled(shape: str) -> str:
    return "".join(_GROUPS.get(token) or _word(token) for token in _TOKEN.findall(shape))


def _word(token: str) -> str:
    words = [VALUES.get(word) or re.escape(word) for word in token.split("|")]
    return rf"\0(?:{'|'.join(words)})"


def fits(argv: Sequence[str]) -> bool:
    """Tell whether a command line has one of the shapes that may be run.

    >>> fits(("devlink", "-j", "dev", "show")), fits(("devlink", "-j", "dev", "s")), fits(("sh", "-c", "x"))
    (True, False, False)
    """
    pattern = _pattern(argv[0]) if argv else None
    if pattern is None or any("\0" in word for word in argv):
        return False
    return pattern.match("".join(f"\0{word}" for word in argv[1:])) is not None
