"""Talking to a ConnectX's firmware through the kernel's fwctl: bytes in, bytes out, reads only."""

from __future__ import annotations
