"""Counters once more, a second or more after they were read first: what rises while nobody looks is a symptom."""

from __future__ import annotations

from sosmlx.collectors.ethtool import counters as of_netdev
from sosmlx.collectors.netdev import ethernet
from sosmlx.collectors.rdma import counters as of_rdma
from sosmlx.collectors.rdma import devices
from sosmlx.collectors.spec import Collector

AGAIN = Collector(
    "counters-again",
    "counters once more, at least a second later",
    (ethernet(of_netdev), devices(of_rdma)),
    sample=1,
)
