"""Threads that do tasks: those of one lane one after the other, lowest rank first, several lanes beside each other."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Callable, Generic, NamedTuple, TypeVar

Task = TypeVar("Task")


class Place(NamedTuple):
    """Where a task belongs: its lane, and its rank there; of one rank, who comes first is done first."""

    lane: str
    rank: int


class Lanes(Generic[Task]):
    """Do tasks with at most `most` threads. `place` says where a task belongs; `work` does it and returns what follows.

    The threads are daemons: one whose task never comes back keeps nobody from leaving.
    """

    def __init__(self, work: Callable[[Task], Iterable[Task]], place: Callable[[Task], Place], most: int) -> None:
        self._work, self._place, self._most = work, place, most
        self._changed = threading.Condition()
        self._count = count()
        self._waiting: dict[str, list[tuple[int, int, Task]]] = {}
        self._ready: deque[str] = deque()
        self._busy: set[str] = set()
        self._threads = self._idle = 0
        self._closed = False
        self._error: BaseException | None = None

    def run(self, tasks: Iterable[Task], patience: Callable[[], float]) -> bool:
        """Do tasks and what they lead to; returns whether all came back while `patience()` had seconds left.

        Raises what `work` raised, once the others have come back.
        """
        with self._changed:
            self._add(tasks)
            while self._busy or self._ready:
                left = patience()
                if left <= 0:
                    return False
                self._changed.wait(left)
        if self._error is not None:
            raise self._error
        return True

    def settle(self, seconds: float) -> bool:
        """Wait for the tasks that are being done; returns whether all came back within so many seconds."""
        until = time.monotonic() + seconds
        return self.run((), lambda: until - time.monotonic())

    def close(self) -> None:
        """Let the threads go; those with a task go after it."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()

    def _add(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            name, rank = self._place(task)
            queue = self._waiting.setdefault(name, [])
            if not queue and name not in self._busy:
                self._ready.append(name)
            heapq.heappush(queue, (rank, next(self._count), task))
        for _ in range(min(len(self._ready) - self._idle, self._most - self._threads)):
            self._threads += 1
            threading.Thread(target=self._serve, name="lane", daemon=True).start()
        self._changed.notify_all()

    def _serve(self) -> None:
        with self._changed:
            while not self._closed:
                if not self._ready:
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                    continue
                name = self._ready.popleft()
                self._busy.add(name)
                queue = self._waiting[name]
                while queue and not self._closed:
                    self._add(self._done(heapq.heappop(queue)[-1]))
                self._busy.discard(name)
                self._changed.notify_all()

    def _done(self, task: Task) -> list[Task]:
        """Do one task without the lock; what it raises is kept for the one who waits."""
        self._changed.release()
        try:
            return list(self._work(task))
        except BaseException as error:  # noqa: BLE001 - not lost: `run` raises it where somebody hears it
            self._error = self._error or error
            return []
        finally:
            self._changed.acquire()
