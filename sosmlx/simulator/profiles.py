"""Four kinds of adapter as data: who they say they are, what their firmware knows, and what their factory set.

Names and ids of the devices: pci.ids and mstflint's `tools_dev_types.c`. The values are plausible and no more: they are
of no real board. Parameters are named as mlxconfig names them, without port; a hidden one is named `tlv.field`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

from sosmlx.simulator.state import State

Values = Mapping[str, Union[int, tuple[int, ...]]]
"""Numbers by parameter name, or one for every element of an array."""

TOKENS: Mapping[str, int] = {"CS": 0, "DBG_FW": 1, "FRC": 2, "RMCS": 3, "RMDT": 4, "CRCS": 5, "CRDT": 6, "MTFA": 8}
"""Types of debug token (MDSR `type_of_token`) by the words that a scenario uses."""

NO_SESSION, ACTIVE = 0, 2
"""Of MDSR's `status` values the two that matter here."""

MODEL_NAME, MODEL_DESCRIPTION = 1, 2
"""MQIS `info_type`."""

ACTIVE_UPDATE, PENDING_RESET = 3, 4
"""MCQS `component_update_state`: active, and active after a reset."""

COMPONENTS: Mapping[str, int] = {
    "BOOT_IMG": 0x1, "OEM_NVCONFIG": 0x4, "MLNX_NVCONFIG": 0x5, "CS_TOKEN": 0x6, "DBG_TOKEN": 0x7, "Gearbox": 0xA,
    "CC_ALGO": 0xB, "LINKX_IMG": 0xC, "CRYPTO_TO_COMMISSIONING": 0xD, "RMCS_TOKEN": 0xE, "RMDT_TOKEN": 0xF,
    "CRCS_TOKEN": 0x10, "CRDT_TOKEN": 0x11, "CLOCK_SYNC_EEPROM": 0x12,
}  # fmt: skip
"""Components (MCQS `identifier`) by the PRM's words."""


@dataclass(frozen=True)
class Component:
    """One component of the firmware (MCQS, MCQI); `pending_text` is the version that waits for a reset, if any does."""

    index: int
    identifier: int
    text: str = ""
    pending_text: str = ""
    status: int = 2
    update_state: int = ACTIVE_UPDATE
    changer: int = 0


@dataclass(frozen=True)
class Profile:
    """An adapter as its firmware sees itself.

    `lacks` are TLVs that this firmware does not know, `layouts` the newest layout version it knows of others.
    `registers` is what MCAM's mask says, `missing` are registers and commands of ours that it does not have. `strings`
    is by MQIS `info_type`, `tokens` the state of each debug token type that it knows, `mgir` sets further fields of
    that register.
    `capabilities` (by `type.field`) and `commands` (fields of their answers) say what is otherwise than usual.
    `next_of_factory`: NEXT of an item that is not stored shows the factory's value; otherwise it is refused. `echo`:
    answers to MNVDA carry the writer that the request named. `state` is laid over the registers of a healthy adapter.
    """

    name: str
    pci_device: int
    hw_device: int
    psid: str
    firmware: str
    ports: int = 1
    base_mac: int = 0xB8CEF6A0B0C0
    strings: Mapping[int, str] = field(default_factory=dict)
    mgir: Mapping[str, int] = field(default_factory=dict)
    registers: tuple[int, ...] = ()
    missing: frozenset[str] = frozenset()
    features: tuple[int, ...] = ()
    components: tuple[Component, ...] = ()
    tokens: Mapping[int, int] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    layouts: Mapping[str, int] = field(default_factory=dict)
    factory: Values = field(default_factory=dict)
    capabilities: Mapping[str, int] = field(default_factory=dict)
    commands: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    reset_types: int = 0x01
    reset_triggers: int = 0x48
    factory_readable: bool = True
    current_readable: bool = True
    next_of_factory: bool = True
    echo: bool = False
    state: State = field(default_factory=dict)
    uctx_caps: int = 0x4
    device_type: int = 1

    @property
    def version(self) -> tuple[int, int, int]:
        """The firmware's version as three numbers. Raises ValueError where `firmware` is no such text."""
        major, minor, sub = (int(part) for part in self.firmware.split("."))
        return major, minor, sub


def _strings(name: str, description: str) -> Mapping[int, str]:
    return {MODEL_NAME: name, MODEL_DESCRIPTION: description}


_NO_TOKEN = Component(1, COMPONENTS["CS_TOKEN"], status=0, update_state=0)


def _components(firmware: str, *more: Component) -> tuple[Component, ...]:
    return (Component(0, COMPONENTS["BOOT_IMG"], firmware), *more)


_GROUP_0 = (
    0x9020, 0x9021, 0x9024, 0x9028, 0x902C, 0x902D, 0x9030, 0x9034, 0x9035, 0x9050, 0x9051, 0x9056, 0x9060, 0x9061,
    0x9062, 0x9063, 0x9064, 0x907F,
)  # fmt: skip
_GROUP_2 = (0x9110, 0x9115, 0x911A, 0x912A)
_PORT_REGISTERS = (
    0x5002, 0x5003, 0x5004, 0x5006, 0x5007, 0x500B, 0x500C, 0x5012, 0x5018, 0x5023, 0x5031, 0x5041, 0x5066, 0x507F,
)  # fmt: skip
_QOS_REGISTERS = (0x4002, 0x4005, 0x400A, 0x400D, 0x4013, 0x4019, 0x4020, 0x402C)
_RUN_TIME = (
    *_PORT_REGISTERS, *_QOS_REGISTERS, 0x9009, 0x900A, 0x9059, 0x904A,
)  # fmt: skip
_NEWER_RUN_TIME = (*_RUN_TIME, 0x902F, 0x9036, 0x9162, 0x9178, 0x9179)

_ECN: Values = {
    "CLAMP_TGT_RATE_AFTER_TIME_INC": 1, "RPG_TIME_RESET": 300, "RPG_BYTE_RESET": 32767, "RPG_THRESHOLD": 1,
    "RPG_AI_RATE": 5, "RPG_HAI_RATE": 50, "RPG_GD": 11, "RPG_MIN_DEC_FAC": 50, "RPG_MIN_RATE": 1, "DCE_TCP_G": 1019,
    "DCE_TCP_RTT": 1, "RATE_REDUCE_MONITOR_PERIOD": 4, "INITIAL_ALPHA_VALUE": 1023, "MIN_TIME_BETWEEN_CNPS": 4,
    "CNP_802P_PRIO": 6, "CNP_DSCP": 48, "ROCE_CC_PRIO_MASK": 255,
}  # fmt: skip

_PORT: Values = {
    "LINK_TYPE": 2, "LLDP_NB_RX_MODE": 2, "LLDP_NB_TX_MODE": 2, "DCBX_IEEE": 1, "DCBX_CEE": 1, "DCBX_WILLING": 1,
    "KEEP_ETH_LINK_UP": 1, "NUM_OF_VL": 3, "NUM_OF_PFC": 8, "SRIOV_IB_ROUTING_MODE": 1, "IB_ROUTING_MODE": 1,
}  # fmt: skip

_CAPABILITIES: Values = {
    "nv_global_pci_cap.per_pf_total_vf_supported": 1, "nv_global_pci_cap.per_pf_num_msix_supported": 1,
    "nv_global_pci_cap.max_vfs_per_pf_valid": 1, "nv_global_pci_cap.max_vfs_per_pf": 127,
    "nv_global_pci_cap.max_num_pfs": 16, "nv_global_pci_cap.sriov_support": 1,
    "nv_global_pci_cap.max_log_pf_uar_bar_size": 15, "nv_global_pci_cap.max_log_vf_uar_bar_size": 10,
    "nv_global_pci_cap.max_num_pf_msix": 1023, "nv_global_pci_cap.max_num_vf_msix": 127,
    "nv_global_pci_cap.max_total_msix_valid": 1, "nv_global_pci_cap.max_total_msix": 16383,
    "nv_global_pci_cap.max_total_bar_valid": 1, "nv_global_pci_cap.max_total_bar": 8192,
}  # fmt: skip

_COMMON: Values = {
    **_ECN, **_PORT, **_CAPABILITIES,
    "NUM_OF_VFS": 8, "SRIOV_EN": 0, "NUM_OF_PF": 2, "PF_LOG_BAR_SIZE": 5, "VF_LOG_BAR_SIZE": 1, "NUM_PF_MSIX": 63,
    "NUM_VF_MSIX": 11, "MEMIC_SIZE_LIMIT": 1, "ROCE_NEXT_PROTOCOL": 254, "UCTX_EN": 1, "LRO_LOG_TIMEOUT0": 6,
    "LRO_LOG_TIMEOUT1": 7, "LRO_LOG_TIMEOUT2": 8, "LRO_LOG_TIMEOUT3": 13, "LOG_MAX_QUEUE": 17,
    "LOG_DCR_HASH_TABLE_SIZE": 14, "DCR_LIFO_SIZE": 16384, "PORT_OWNER": 1, "ALLOW_RD_COUNTERS": 1,
    "RENEG_ON_CHANGE": 1, "TRACER_ENABLE": 1, "ROCE_CONTROL": 2, "BOOT_VLAN": 1, "LEGACY_BOOT_PROTOCOL": 1,
    "BOOT_LACP_DIS": 1, "UEFI_HII_EN": 1, "EXP_ROM_PXE_ENABLE": 1, "EXP_ROM_UEFI_x86_ENABLE": 0,
    "SAFE_MODE_THRESHOLD": 10, "SAFE_MODE_ENABLE": 1, "HOST_CHAINING_DESCRIPTORS": (3, 3, 3, 3, 3, 3, 3, 3),
    "HOST_CHAINING_TOTAL_BUFFER_SIZE": (8, 8, 8, 8, 8, 8, 8, 8),
    "ESWITCH_HAIRPIN_DESCRIPTORS": (128, 128, 128, 128, 128, 128, 128, 128),
    "ESWITCH_HAIRPIN_TOT_BUFFER_SIZE": (131, 131, 131, 131, 131, 131, 131, 131), "MODULE_SPLIT": (255,) * 16,
}  # fmt: skip

_SECURED: Mapping[str, int] = {
    "hw_info.uptime": 3600, "fw_info.signed_fw": 1, "fw_info.secured": 1, "fw_info.string_tlv": 1,
    "fw_info.life_cycle": 1, "fw_info.sec_boot": 1, "fw_info.month": 0x10, "fw_info.day": 0x22,
    "fw_info.year": 0x2024, "fw_info.hour": 0x1430, "sw_info.rom0_type": 2, "sw_info.rom0_arch": 3,
    "sw_info.rom0_version.major": 14, "sw_info.rom0_version.minor": 36, "sw_info.rom0_version.build": 16,
    "sw_info.rom1_type": 1, "sw_info.rom1_arch": 1, "sw_info.rom1_version.major": 3, "sw_info.rom1_version.minor": 7,
    "sw_info.rom1_version.build": 500,
}  # fmt: skip
_UNSECURED: Mapping[str, int] = {
    **_SECURED, "fw_info.signed_fw": 0, "fw_info.secured": 0, "fw_info.life_cycle": 0, "fw_info.sec_boot": 0,
    "fw_info.month": 0x05, "fw_info.day": 0x27, "fw_info.year": 0x2023,
}  # fmt: skip

_HOST_OF_DPU = frozenset({
    "nv_internal_cpu_conf", "nv_external_host_priv_conf", "nv_external_host_priv_fast_conf",
    "nv_external_host_priv_fast_conf_2",
})  # fmt: skip
_DPU_ONLY = _HOST_OF_DPU | {
    "nv_ecpf_conf", "nv_emulation_nvme_conf", "nv_emulation_virtio_net_conf", "nv_emulation_virtio_blk_conf",
    "nv_emulation_virtio_fs_conf", "nv_emulation_pci_switch_conf", "nv_emulation_tlp_conf", "nv_emulation_upt_conf",
}  # fmt: skip
_NEWER = frozenset({
    "nv_global_pci_conf_5", "nv_host_sw_accelerate_conf", "nv_pcc_int", "nv_global_roce_cc_conf", "nv_crypto_conf",
    "nv_host_mng_conf", "nv_dpa_auth", "nv_global_board_conf", "nv_module_split", "nv_module_power",
    "nv_multiplane_conf", "nv_ib_link_phy_conf", "nv_host_sync_conf", "nv_global_mask", "nv_global_link_phy",
})  # fmt: skip
_OLDER_ONLY = frozenset({"nv_fpga_conf"})

_ALL_TOKENS: Mapping[int, int] = dict.fromkeys(TOKENS.values(), NO_SESSION)
_SOME_TOKENS: Mapping[int, int] = {TOKENS[name]: NO_SESSION for name in ("CS", "DBG_FW", "FRC")}

_CX5_FW, _CX6DX_FW, _CX7_FW, _BF3_FW = "16.35.3006", "22.43.2566", "28.43.2566", "32.43.2566"

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "ConnectX-5", 0x1017, 0x20D, "MT_0000000080", _CX5_FW, ports=2,
            strings=_strings(
                "MCX556A-ECA_Ax",
                "ConnectX-5 VPI adapter card; EDR IB and 100GbE; dual-port QSFP28; PCIe3.0 x16",
            ),
            mgir=_UNSECURED, registers=_GROUP_0 + _RUN_TIME, features=(18, 19, 21), components=_components(_CX5_FW),
            lacks=_DPU_ONLY | _NEWER | {"nv_prog_cc", "nv_nvmf_target_conf", "nv_host_priv_conf"},
            layouts={"nv_keep_link_up": 1, "nv_sw_offload_conf": 0, "nv_rom_boot_conf2": 1},
            factory={**_COMMON, "LINK_TYPE": 1, "VF_LOG_BAR_SIZE": 0},
        ),
        Profile(
            "ConnectX-6 Dx", 0x101D, 0x212, "MT_0000000359", _CX6DX_FW, ports=2,
            strings=_strings(
                "MCX623106AN-CDA_Ax",
                "ConnectX-6 Dx EN adapter card; 100GbE; dual-port QSFP56; PCIe 4.0 x16",
            ),
            mgir=_SECURED, registers=_GROUP_0 + _GROUP_2 + _RUN_TIME, features=(14, 15, 18, 19, 21, 26, 45),
            components=_components(_CX6DX_FW, _NO_TOKEN), tokens=_SOME_TOKENS,
            lacks=_DPU_ONLY | _OLDER_ONLY | {
                "nv_dpa_auth", "nv_module_split", "nv_module_power", "nv_multiplane_conf", "nv_ib_link_phy_conf",
                "nv_global_board_conf", "nv_global_pci_conf_5", "nv_pcc_int",
            },
            factory=_COMMON,
        ),
        Profile(
            "ConnectX-7", 0x1021, 0x218, "MT_0000000838", _CX7_FW, ports=2, base_mac=0x946DAEA0B0C0,
            strings=_strings(
                "MCX755106AS-HEA_Ax",
                "ConnectX-7 HHHL adapter card; 200GbE / NDR200 IB; dual-port QSFP112; PCIe 5.0 x16",
            ),
            mgir={**_SECURED, "hw_info.technology": 4, "fw_info.encryption": 1},
            registers=_GROUP_0 + _GROUP_2 + _NEWER_RUN_TIME,
            features=(14, 15, 18, 19, 21, 26, 35, 39, 40, 45, 49, 61, 66, 78),
            components=_components(
                _CX7_FW, _NO_TOKEN, Component(2, COMPONENTS["DBG_TOKEN"], status=0, update_state=0),
                Component(3, COMPONENTS["LINKX_IMG"], "36.150.2000"),
            ),
            tokens=_ALL_TOKENS, lacks=_HOST_OF_DPU | _OLDER_ONLY,
            factory={**_COMMON, "LINK_TYPE": 1, "NUM_OF_VFS": 16, "MODULE_SPLIT": (0, 0, 0, 0) + (255,) * 12},
        ),
        Profile(
            "BlueField-3", 0xA2DC, 0x21C, "MT_0000000884", _BF3_FW, ports=2, base_mac=0xA088C2A0B0C0,
            strings=_strings(
                "900-9D3B6-00CV-AA0",
                "BlueField-3 B3220 P-Series FHHL DPU; 200GbE / NDR200 IB; dual-port QSFP112",
            ),
            mgir={**_SECURED, "hw_info.technology": 4, "fw_info.encryption": 1},
            registers=(*_GROUP_0, *_GROUP_2, *_NEWER_RUN_TIME, 0x9026),
            features=(14, 15, 18, 19, 21, 26, 35, 39, 40, 45, 49, 61, 66, 73, 78),
            components=_components(_BF3_FW, _NO_TOKEN, Component(2, COMPONENTS["LINKX_IMG"], "36.150.2000")),
            tokens=_ALL_TOKENS, lacks=_OLDER_ONLY, reset_types=0x0B,
            factory={**_COMMON, "NUM_OF_VFS": 16, "INTERNAL_CPU_MODEL": 1, "ECPF_ESWITCH_MANAGER": 1,
                     "ECPF_PAGE_SUPPLIER": 1, "PF_TOTAL_SF": 0, "PCI_SWITCH_EMULATION_NUM_PORT": 0},
        ),
    )
}  # fmt: skip
"""The profiles by name."""

BY_PCI_DEVICE: Mapping[int, str] = {
    0x1017: "ConnectX-5", 0x1019: "ConnectX-5", 0x101D: "ConnectX-6 Dx", 0x101F: "ConnectX-6 Dx",
    0x1021: "ConnectX-7", 0x1023: "ConnectX-7", 0xA2D6: "BlueField-3", 0xA2DC: "BlueField-3",
}  # fmt: skip
"""Which profile stands in for a PCI device id: its own, or that of a near relative."""
