"""Tables of register layouts, by what the registers are about; nothing but data."""
