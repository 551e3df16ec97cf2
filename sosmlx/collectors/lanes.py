"""Threads that do tasks: those of one lane one after the other in their order, several lanes beside each other."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Callable, Generic, TypeVar

Task = TypeVar("Task")


class Lanes(Generic[Task]):
    """Do tasks with at most `most` threads. `lane` names a task's lane; `work` does it and returns what it leads to.

    The threads are daemons: one whose task never comes back keeps nobody from leaving.
    """

    def __init__(self, work: Callable[[Task], Iterable[Task]], lane: Callable[[Task], str], most: int) -> None:
        self._work, self._lane, self._most = work, lane, most
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Task]] = {}
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
            name = self._lane(task)
            queue = self._waiting.setdefault(name, deque())
            if not queue and name not in self._busy:
                self._ready.append(name)
            queue.append(task)
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
                    self._add(self._done(queue.popleft()))
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
