"""What must never be run or opened, as data: the second line behind the shapes of `sources/shapes.py`.

The shapes say what may be run; this list says what must not be, whatever a shape might let through, and why. It knows
that iproute2 and getopt take abbreviations. The files are those that act when they are read, that block, that are a
device's registers, or that hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from re import Pattern
from typing import NamedTuple

NEVER: Mapping[str, str] = {
    "sh bash dash zsh busybox env xargs nohup timeout python python3 perl awk": "runs other programs",
    "sudo su pkexec runuser nsenter unshare chroot capsh": "changes who or where it runs",
    "modprobe insmod rmmod kmod depmod": "loads or unloads modules",
    "mount umount mkdir rmdir rm mv cp dd tee install truncate ln chmod chown touch mknod": "writes files",
    "reboot shutdown halt poweroff kexec init": "stops the host",
    "curl wget ssh scp sftp nc socat telnet ipmitool": "leaves the host",
    "tcpdump tshark strace ltrace perf bpftrace gdb turbostat rdmsr wrmsr": "watches or slows other programs",
    "setpci devmem": "touches registers of PCI devices",
    "fwtrace mstfwtrace": "writes the configuration of the firmware's tracer",
    "mlxfwreset mstfwreset": "resets the device",
    "mget_temp mstmget_temp": "sets the MMTA register, which taints the kernel over fwctl",
    "mcra mstmcra mread mstmread mwrite mstmwrite mlxdump mstdump mstregdump i2c": "touches the device's raw registers",
    "mlxprivhost mstprivhost": "restricts hosts",
    "mlxcables mstcables mlxphyburn mlxburn": "writes to modules or firmware",
    "cma_roce_mode cma_roce_tos": "mounts configfs and makes folders in it",
    "mlnx_tune mlnx_affinity": "sets what it finds",
    "ibdiagnet ibclearcounters ibclearerrors ibportstate": "clears counters or sets ports of the fabric",
    "openibd mlnxofedctl opensm lldpad": "starts or changes services",
    "nvidia-bug-report.sh sysinfo-snapshot.py sosreport sos supportconfig": "collects by itself",
}
"""Programs that are never run, and why: their manual pages and scripts, and what users of other collectors reported."""


class Rule(NamedTuple):
    """Words that some tools must not be given.

    `verbs` are denied in full anywhere, and in every abbreviation before one of `reads`; `nouns` are no abbreviations.
    `options` are denied in every abbreviation and with a value, a family of them by its common beginning (`--set-`),
    and as a letter among others where `clusters` says that the tool takes those. Where there are `reads`, one must be
    given. A rule with `about` holds only for command lines that name that object.
    """

    tools: str
    why: str
    verbs: str = ""
    options: str = ""
    reads: str = ""
    nouns: str = ""
    clusters: bool = False
    about: str = ""


RULES: tuple[Rule, ...] = (
    Rule(
        "devlink ip rdma tc bridge dcb vdpa dpll mlxdevm",
        "changes the device, waits for events, or takes commands from a file",
        "set add del delete remove append prepend replace change flush reload flash recover test new clear "
        "split unsplit save restore update destroy create monitor exec batch reset trigger",
        "-batch -force -Netns -netns -monitor",
        "show list list-id info diagnose dump supported mode state",
        "app",
    ),
    Rule("devlink", "freezes or clears the counters of buffers", "snapshot clearmax", reads="show", about="sb"),
    Rule("rdma", "binds counters", "bind unbind", reads="show mode supported"),
    Rule("ip", "prints keys", reads="nokeys", about="xfrm"),
    Rule(
        "ethtool",
        "changes the device, disturbs the link, waits, or reads registers and EEPROM",
        options="-s --change -A --pause -C --coalesce -G --set- -K --offload --features -p --identify -t --test -L -N "
        "-U --config- -X --rxfh -f --flash -E --eeprom-dump -e -d --register-dump -W -w --get-dump -r --negotiate "
        "--reset --cable-test --monitor -Q --per-queue --start- --stop- --create- --delete-",
        nouns="--show-",
    ),
    Rule(
        "mstconfig mlxconfig",
        "writes flash, its semaphore, or a file",
        "set reset apply set_raw clear_semaphore challenge_request remote_token_keep_alive backup get_raw create_conf "
        "gen_tlvs_file gen_xml_template",
        "-y --yes -f --file -j --json_format",
        "q query i show_confs -v --version",
    ),
    Rule(
        "mstflint flint",
        "writes or resets flash, or copies the image",
        "burn erase swreset brom drom rb ri ww wwne wbne rw sg smg sv set_vpd set_key sign clear_semaphore reset_cfg "
        "image_reactivate fixed_pci",
        "-i --image -y --yes --override_cache_replacement --clear_semaphore --no_fw_ctrl",
        "q query dc -v --version",
    ),
    Rule(
        "mstreg mlxreg",
        "writes a register",
        options="--set -y --yes --op --file",
        reads="--get --show_regs -v --version",
    ),
    Rule(
        "mstlink mlxlink",
        "sets the port, its counters or its module",
        options="--pc --port_state -a --set_ -s --speeds --link_mode_force --fec --loopback -l --prbs --test_mode "
        "--cable --write --clear --bkv --amber_collect --serdes_tx --phy_recovery --rx_error_injection --prm_set",
        nouns="--show_",
    ),
    Rule("mstcongestion mlxcongestion", "sets congestion control", "", "--set --mode", "-q --query -v --version"),
    Rule(
        "mstfwmanager mlxfwmanager",
        "burns, downloads, or asks the network",
        options="-u --update --online --download --clear_semaphore -y --yes -i --image --burn --dump --archive --force",
        reads="--query -v --version",
    ),
    Rule("mstresourcedump mlxresourcedump", "dumps through the host's memory", options="--with_mem --mem"),
    Rule(
        "mst",
        "loads modules and creates nodes",
        "start stop restart remote server cable ib gpu add rm save load",
        reads="status version",
    ),
    Rule(
        "mlnx_qos",
        "sets QoS",
        options="-p --pfc -t --tcbw -s --tsa -r --ratelimit -d --dscp2prio -f --prio2buffer --buffer_size --prio_tc "
        "--trust --cable_len -a",
    ),
    Rule("mlnx-sf", "makes or removes functions", "create delete set", reads="show"),
    Rule(
        "dmesg",
        "clears the kernel log, waits for it, or sets the console",
        options="-c --read-clear -C --clear -D --console-off -E --console-on -n --console-level -w --follow -W",
        clusters=True,
    ),
    Rule(
        "journalctl",
        "waits, or changes the journal",
        options="-f --follow --vacuum- --rotate --flush --sync --relinquish-var --setup-keys --update-catalog",
        clusters=True,
    ),
    Rule("sysctl", "writes parameters", options="-w --write -p --load --system -f", clusters=True),
    Rule("lspci", "asks the network, or reads devices another way", options="-q -Q -A -O -H -M -F -G", clusters=True),
    Rule("dmidecode", "reads or writes elsewhere", options="-d --dev-mem --dump-bin --from-dump"),
    Rule("mokutil", "changes keys", reads="--sb-state --version"),
    Rule("dkms", "builds or removes modules", "add remove build install uninstall", reads="status --version"),
    Rule("rpm", "installs or removes", "", "--eval --pipe --root --import --rebuilddb", "-q -qa -qf --version"),
    Rule("dpkg", "installs or removes", options="-i --install -r --remove -P --purge --configure --unpack"),
    Rule(
        "systemctl",
        "starts, stops or reloads",
        "start stop restart reload enable disable mask unmask kill isolate daemon-reload set-property edit",
        reads="is-active is-enabled --version",
    ),
    Rule(
        "ovs-vsctl ovs-appctl ovs-dpctl",
        "changes the switch",
        "set add remove clear create destroy init emer-reset add-br del-br add-port del-port exit add-flow mod-flow "
        "del-flow del-flows vlog/set dpctl/del-flows dpctl/add-flow",
        "--log-file",
    ),
    Rule(
        "nmcli", "changes connections, or shows their secrets",
        "add modify edit delete up down import export reload reapply set", "-s --show-secrets -a --ask",
    ),
    Rule("lldptool lldpcli teamdctl", "sets", "configure unconfigure update pause set add", "-T -L", nouns="config"),
    Rule("chronyc", "steers the clock", reads="tracking sources sourcestats"),
    Rule("perfquery", "resets counters", options="-R -r --reset -l --loop", clusters=True),
)  # fmt: skip
"""Denied words by tool: their manual pages and usage texts."""


class Closed(NamedTuple):
    """Paths that are never opened, and why."""

    pattern: Pattern[str]
    why: str


def _any(*patterns: str) -> Pattern[str]:
    return re.compile("|".join(patterns))


FILES: tuple[Closed, ...] = (
    Closed(
        _any(
            r"\A/sys/.*/(?:reset|rescan|dev_rescan|bus_reset|remove|rom|resource|resource\d+(?:_wc)?)\Z",
            r"\A/sys/.*/(?:bind|unbind|new_id|remove_id|drivers_probe)\Z",
            r"\A/proc/sysrq-trigger\Z",
        ),
        "acts on a device, or is a way to its registers",
    ),
    Closed(
        _any(
            r"\A/sys/kernel/(?:debug/)?tracing/(?:.*/)?(?:trace_pipe(?:_raw)?|snapshot(?:_raw)?)\Z",
            r"\A/sys/kernel/debug/mlx5/[^/]+/cmd(?:/|\Z)",
            r"\A/proc/(?:kmsg|kcore|kpage\w+)\Z",
        ),
        "blocks, takes from others what it gives, or runs firmware commands",
    ),
    Closed(
        _any(
            r"\A/(?:etc|run|usr/lib)/NetworkManager/system-connections(?:/|\Z)",
            r"\A/(?:etc|run|lib)/netplan(?:/|\Z)",
            r"\A/etc/(?:g?shadow-?|sudoers|ssh|ssl|pki|kubernetes|ppp|ipsec|swanctl|strongswan|wpa_supplicant|wireguard"
            r"|openvpn|krb5\.keytab|crypttab|sssd|samba|ipmi|redfish|iscsi|nvme|frr|quagga|grub\.d)(?:[./]|\Z)",
            r"\A/etc/sysconfig/network-scripts/keys-",
            r"/conf\.db\Z",
            r"/grub2?\.cfg\Z",
            r"\A/boot/loader/",
            r"\A/(?:root|home)(?:/|\Z)",
            r"/\.(?:ssh|kube|aws|gnupg|docker)(?:/|\Z)",
            r"/(?:kubeconfig|admin\.conf|kubelet\.conf)\Z",
            r"\.(?:pem|key|keytab|p12|pfx)\Z",
            r"/id_(?:rsa|dsa|ecdsa|ed25519)\Z",
            r"\A/proc/(?:\d+|self|thread-self)/(?:task/\d+/)?(?:environ|cmdline|mem|maps|pagemap|fd|root|cwd|auxv)(?:/|\Z)",
            r"\A/proc/keys\Z",
            r"\A/sys/firmware/efi/efivars/(?!SecureBoot-|SetupMode-)[^/]",
        ),
        "holds secrets",
    ),
)
"""Files that are never opened. Sources: `Documentation/ABI/testing/sysfs-bus-pci`, `trace/ftrace.rst`, mlx5's `cmd.c`,
and where distributions, network services and clusters keep keys and passwords."""


def denied_words(argv: Sequence[str]) -> str:
    """Say why a command line must not be run; empty for one of which nothing here speaks.

    >>> denied_words(("dmesg", "--cle"))
    'dmesg --cle (--clear): clears the kernel log, waits for it, or sets the console'
    >>> denied_words(("ip", "link", "show"))
    ''
    """
    program, words = argv[0], argv[1:]
    for names, why in NEVER.items():
        if program in names.split():
            return f"{program}: {why}"
    for rule in RULES:
        found = _broken(rule, words) if program in rule.tools.split() else ""
        if found:
            return f"{program} {found}: {rule.why}"
    return ""


def _broken(rule: Rule, words: Sequence[str]) -> str:
    """Name the word that a rule denies, or what it misses."""
    if rule.about and not any(word and rule.about.startswith(word) for word in words):
        return ""
    reads, reading = rule.reads.split(), False
    for word in words:
        found = _option(rule, word) if word.startswith("-") else _verb(rule, word, short=not reading)
        if found and word not in reads:
            return word if word == found else f"{word} ({found})"
        reading = reading or word in reads
    versions = words and all(word in ("-V", "--version") for word in words)
    return "" if reading or versions or not reads else f"without {' or '.join(reads)}"


def _verb(rule: Rule, word: str, *, short: bool) -> str:
    if word in rule.nouns.split():
        return ""
    return next((verb for verb in rule.verbs.split() if word == verb or (short and verb.startswith(word))), "")


def _option(rule: Rule, word: str) -> str:
    name = word.partition("=")[0]
    if any(name.startswith(noun) for noun in rule.nouns.split()):
        return ""
    for option in rule.options.split():
        family = option.endswith(("-", "_")) and name.startswith(option.rstrip("-_"))
        long = len(option) > 2
        shortened = long and len(name) > (2 if option[1] == "-" else 1) and option.startswith(name)
        if name == option or family or shortened:
            return option
        if rule.clusters and not long and not name.startswith("--") and option[1] in name:
            return option
    return ""


def denied_path(path: str) -> str:
    """Say why a path must not be opened; empty for one of which nothing here speaks.

    >>> denied_path("/sys/bus/pci/devices/0000:3b:00.0/rom")
    'acts on a device, or is a way to its registers'
    """
    return next((closed.why for closed in FILES if closed.pattern.search(path)), "")
