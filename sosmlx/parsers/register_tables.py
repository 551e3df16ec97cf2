"""What the fields of run-time registers mean, as data: their words, their class, and the lists of modes.

Words and units: the PRM's register table as mstflint holds it (`register_access_table.adb`). Extended link states: the
kernel's `include/uapi/linux/ethtool.h`, and the status codes that its driver maps to them
(mlx5 `core/en_ethtool.c`, mlx5e_link_ext_state_opcode_map), in the words of ethtool (`netlink/settings.c`).
"""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.model import SettingClass

_WORDS = """
PAOS.admin_status 1=up 2=down-by-configuration 3=up-once 4=disabled-by-system 6=sleep
PAOS.oper_status 1=up 2=down 4=down-by-port-failure
PAOS.last_oper_status 1=up 2=down 4=down-by-port-failure
PAOS.logical_state_status 0=n/a 1=Down 2=Init 3=Arm 4=Active
PAOS.physical_state_status 0=n/a 1=Sleep 2=Polling 3=Disabled 4=PortConfigurationTraining 5=LinkUp 6=LinkErrorRecovery
PTYS.an_status 0=unavailable 1=completed 2=failed 3=not-performed-link-up 4=not-performed-link-down
PTYS.connector_type 0=unknown 1=none 2=TP 3=AUI 4=BNC 5=MII 6=fibre 7=DA 8=other
PMAOS.admin_status 1=enabled 2=disabled-by-configuration 3=enabled-once 14=disconnect-cable
PMAOS.oper_status 0=initializing 1=plugged-enabled 2=unplugged 3=plugged-with-error 5=unknown
QPTS.trust_state 1=pcp 2=dscp 3=both
DCBX_PARAM.version_oper 0=disabled 1=CEE 2=IEEE
DCBX_PARAM.version_admin 0=disabled 1=CEE 2=IEEE 3=CEE-and-IEEE
PFCC.ppan 0=disabled 1=enabled
ROCE_ACCL.cc_burst_size 0=4KB 1=8KB 2=16KB 7=1.5KB
ROCE_ACCL.cc_probe_mp_mode 0=accept 1=discard
MPEIN.pwr_status 0=not-readable 1=sufficient 2=insufficient
MRSI.reset_reason 0=cold 1=warm
MRSI.ecos 0=boot-rom 1=BL2 2=BL31 3=UEFI 4=OS-starting 5=OS-running 6=low-power 7=firmware-update
MRSI.ecos 8=OS-crash-dump-running 9=OS-crash-dump-complete 10=fw-crash-dump-running 11=fw-crash-dump-complete
MIRC.status_code 0=ok 1=busy 2=prohibited-version 3=copy-failed 4=erase-failed 5=restore-failed 6=deactivation-failed
MIRC.status_code 7=already-activated 8=reset-required 9=programming-needed
MFSV.fw_sec_ver_stat 0=equal 1=fuses-lower-than-image 2=pending-image
MFCDR.status 0=n/a 1=counterfeit 2=NVIDIA 3=other-vendor
VHCA_TRUST_LEVEL.trust_level 1=full
HOST_ENDIANNESS.he 0=little 1=big
"""


def _words() -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for line in _WORDS.strip().splitlines():
        field, *pairs = line.split()
        found.setdefault(field, {}).update({int(n): word for n, _, word in (pair.partition("=") for pair in pairs)})
    return found


WORDS: Mapping[str, Mapping[int, str]] = _words()
"""The words of enumerated fields, by `REGISTER.field`."""

MODULE_ERRORS = {
    0: "power budget exceeded", 1: "long range for a cable or module of another make", 2: "bus stuck",
    3: "bad or unsupported EEPROM", 4: "part number not on the list", 5: "unsupported cable", 6: "high temperature",
    7: "bad cable", 8: "PMD type not enabled", 12: "power of the PCI slot exceeded",
}  # fmt: skip
"""PMAOS `error_type`; it says something only where the module is plugged with an error."""
PLUGGED_WITH_ERROR = 3

RESET_LEVELS = {
    0: "live patch", 1: "immediate", 3: "PCIe link disable or hot reset", 6: "warm reboot (PERST)",
}  # fmt: skip
"""Bits of `reset_trigger` in MFRL and MROQ."""

RESET_TYPES = {
    0: "full chip", 1: "keep network port active", 2: "NIC only", 3: "ARM only", 4: "ARM OS shutdown", 5: "network",
}  # fmt: skip
"""MROQ `reset_type`."""

SOC_PARTS = {
    0: "arm-atf", 1: "arm-uefi", 2: "dpu-bmc", 3: "cec", 5: "bf-bundle", 7: "bsp", 8: "nic-golden", 9: "arm-golden",
}  # fmt: skip
"""MISOC `type`."""

FEC_IN_USE = {0: "Off", 1: "BaseR", 2: "RS", 4: "RS", 7: "RS", 9: "LLRS"}
"""PPLM `fec_mode_active`: its bits in ethtool's words (mlx5 `en_ethtool.c`)."""

PCIE_SPEEDS = {0: "2.5", 1: "5.0", 2: "8.0", 4: "16.0", 5: "32.0", 6: "64.0"}
"""MPEIN `link_speed_active`: bits as GT/s, spelled as sysfs does (`drivers/pci/probe.c`)."""

_AUTONEG, _TRAINING, _MISMATCH = "Autoneg", "Link training failure", "Logical mismatch"
_CABLE = ("Cable issue", "Unsupported cable")
LINK_STATES: Mapping[int, tuple[str, ...]] = {
    2: (_AUTONEG, "No partner detected"), 3: (_AUTONEG, "Ack not received"),
    4: (_AUTONEG, "Next page exchange failed"), 36: (_AUTONEG, "No partner detected during force mode"),
    38: (_AUTONEG, "FEC mismatch during override"), 39: (_AUTONEG, "No HCD"),
    5: (_TRAINING, "KR frame lock not acquired"), 6: (_TRAINING, "KR link inhibit timeout"),
    7: (_TRAINING, "KR Link partner did not set receiver ready"), 8: (_TRAINING,),
    14: (_TRAINING, "Remote side is not ready yet"), 9: (_MISMATCH, "PCS did not acquire block lock"),
    10: (_MISMATCH, "PCS did not acquire AM lock"), 11: (_MISMATCH, "PCS did not get align_status"),
    12: (_MISMATCH, "FC FEC is not locked"), 13: (_MISMATCH, "RS FEC is not locked"), 15: ("Bad signal integrity",),
    17: ("Bad signal integrity", "Large number of physical errors"), 42: ("Bad signal integrity", "Unsupported rate"),
    1024: ("No cable",), 16: _CABLE, 20: _CABLE, 29: _CABLE, 1025: _CABLE, 1029: _CABLE, 1031: ("Cable issue",),
    1027: ("EEPROM issue",), 23: ("Calibration failure",), 1032: ("Power budget exceeded",), 1030: ("Overheat",),
}  # fmt: skip
"""PDDR `status_opcode` of the page that says why a port is down: extended state and sub-state."""

_CLASSES: Mapping[str, SettingClass] = {
    "SBCAM": "capability", "MTCAP": "capability", "MGPIR": "capability", "MPIR": "capability", "PGUID": "identity",
    "MSGI": "identity", "MTMP": "health", "MRTC": "volatile", "PDDR": "health", "MPEIN": "health", "PMAOS": "health",
    "MRSI": "evidence", "MIRC": "evidence", "MFSV": "evidence", "MVTS": "evidence", "MROQ": "evidence",
    "MISOC": "firmware", "NIC_CAP_REG": "capability", "DTOR": "capability",
    "VHCA_TRUST_LEVEL": "evidence", "MFCDR": "evidence", "MMHI": "evidence", "MGNLE": "evidence",
}  # fmt: skip
_ENDINGS: tuple[tuple[str, SettingClass], ...] = (
    ("_capability", "capability"), ("_cap", "capability"), ("_support", "capability"), ("_select", "capability"),
    ("_sup", "capability"), ("_oper", "health"), ("_active", "health"), ("_status", "health"),
)  # fmt: skip
_OWN: Mapping[str, SettingClass] = {
    "PAOS.admin_status": "config", "PMAOS.admin_status": "config", "MPEIN.max_read_request_size": "config",
    "MPEIN.max_payload_size": "config", "MTMP.temperature_threshold_hi": "config",
    "MTMP.temperature_threshold_lo": "config", "MPEIN.num_of_vfs": "evidence", "PTYS.max_port_rate": "capability",
    "PTYS.connector_type": "capability", "PMTU.max_mtu": "capability", "PAOS.fd": "config",
    "DCBX_PARAM.remote_willing": "health", "DCBX_PARAM.remote_pfc_cap": "health",
    "DCBX_PARAM.remote_num_of_tc": "health", "DCBX_PARAM.error": "health", "MSGCR.support_error_injection": "evidence",
    "PMLP.width": "capability", "MRSI.crts": "volatile", "PBMC.port_buffer_size": "capability", "MTMP.mte": "config",
}  # fmt: skip


def class_of(register: str, field: str) -> SettingClass:
    """Tell what kind of a thing a field holds; what nothing is said of can be set."""
    own = _OWN.get(f"{register}.{field}") or _CLASSES.get(register)
    if own:
        return own
    for ending, cls in _ENDINGS:
        if field.endswith(ending) or f"{ending}_" in field:
            return cls
    return "config"
