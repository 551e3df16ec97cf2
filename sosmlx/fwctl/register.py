"""What a register's layout is.

Layouts and ids: the PRM's register table as mstflint holds it (`register_access_table.adb`), compared with the kernel's
`include/linux/mlx5/mlx5_ifc.h` and `driver.h` where they have the register. The notation of the tables is that of
`sosmlx.fwctl.layout`; most fields of a register are RO.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sosmlx.fwctl.layout import Array, Field, FieldAccess, spelled


@dataclass(frozen=True)
class Register:
    """One register: its id, the size of its image in bytes, its fields in the order of their place.

    The layout of a part that another register carries has the id 0 and a dotted name (`MCQI.VERSION`).
    """

    name: str
    id: int
    size: int
    table: str
    usual: FieldAccess
    source: str

    @cached_property
    def fields(self) -> tuple[Field | Array, ...]:
        """The fields that the table spells; read when first asked for, because most runs ask for none."""
        return tuple(spelled(self.table, self.usual))

    def field(self, name: str) -> Field | Array:
        """Find a field. Raises ValueError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise ValueError(f"{self.name} has no field {name}")


_PRM = "mstflint register_access_table.adb"


def register(name: str, number: int, size: int, table: str, kernel: str = "", usual: FieldAccess = "RO") -> Register:
    """Describe a register of the PRM; `kernel` is its structure in the kernel's header, where that has it."""
    return Register(name, number, size, table, usual, f"{_PRM}; mlx5_ifc.h {kernel}" if kernel else _PRM)
