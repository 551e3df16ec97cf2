"""Collect, compare and judge the configuration of ConnectX adapters (mlx5)."""

from __future__ import annotations

__version__ = "0.1.0"
