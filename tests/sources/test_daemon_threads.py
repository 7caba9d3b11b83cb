from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from famtree.sources.daemon_threads import DaemonThreads


def test_a_thread_is_used_again() -> None:
    threads = DaemonThreads()
    first = threads.start(threading.get_ident).result(5)
    deadline = time.monotonic() + 5
    while not threads._idle and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threads.start(threading.get_ident).result(5) == first


def test_work_at_one_time_has_threads_of_its_own() -> None:
    threads, meeting = DaemonThreads(), threading.Barrier(3)
    started = [threads.start(lambda: meeting.wait(5)) for _ in range(3)]
    assert sorted(one.result(5) for one in started) == [0, 1, 2]


def test_what_work_raises_is_raised_where_it_is_waited_for() -> None:
    threads = DaemonThreads()
    with pytest.raises(ZeroDivisionError):
        threads.start(lambda: 1 // 0).result(5)
    with pytest.raises(TimeoutError):
        threads.start(lambda: time.sleep(5)).result(0.01)


def test_the_process_ends_whatever_they_do() -> None:
    program = (
        "import time; from famtree.sources.daemon_threads import DaemonThreads; "
        "DaemonThreads().start(lambda: time.sleep(60))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
