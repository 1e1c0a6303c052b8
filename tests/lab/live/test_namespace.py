"""Namespaces are found by name, entered and left, and what runs in them is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otmon.lab.live.namespace import (
    MOUNTED,
    LiveError,
    asked_inside,
    delete,
    end_processes,
    full_name,
    inside,
    namespaces_of,
    processes_in,
    ranges,
    received,
    run,
    serving,
)
from tests.lab.live.running import MISSING, fresh_name

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("on", flush=True)
time.sleep(60)
"""


@pytest.fixture(name="namespace")
def namespace_fixture() -> Iterator[str]:
    name = full_name(fresh_name(), "one")
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])
    yield name
    delete(name)


def test_a_socket_belongs_to_the_namespace_in_which_it_was_made(namespace: str) -> None:
    home = os.readlink("/proc/thread-self/ns/net")
    with inside(namespace):
        assert os.readlink("/proc/thread-self/ns/net") != home
        made = socket.socket()
    assert os.readlink("/proc/thread-self/ns/net") == home
    with made:
        made.bind(("127.0.0.1", 4321))
        made.listen()
        assert asked_inside(namespace, lambda: serving("tcp")) == {4321}
        assert asked_inside(namespace, lambda: serving("udp")) == set()
    assert os.readlink("/proc/thread-self/ns/net") == home


def test_what_was_received_is_counted_and_an_unknown_interface_told(namespace: str) -> None:
    with inside(namespace), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"word", ("127.0.0.1", 9))
    packets, octets = asked_inside(namespace, lambda: received("lo"))
    assert packets >= 1 and octets >= 32
    with pytest.raises(LiveError, match="no interface up0"):
        asked_inside(namespace, lambda: received("up0"))


def test_only_names_of_the_range_are_the_ranges() -> None:
    short = fresh_name()
    longer = f"{short}-x"
    try:
        for name in (short, longer):
            run(["ip", "netns", "add", full_name(name, "one")])
        assert namespaces_of(short) == [full_name(short, "one")]
        assert {short, longer} <= set(ranges())
    finally:
        delete(full_name(short, "one"))
        delete(full_name(longer, "one"))
    assert not namespaces_of(short) and not {short, longer} & set(ranges())


def test_a_process_that_will_not_go_is_killed(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otmon.lab.live.namespace.TERM_S", 0.5)
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", STUBBORN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "on\n"
    assert processes_in([namespace]) == {process.pid: namespace}
    # A child of the test is reaped by the test, as the program's own are by init.
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    assert end_processes([namespace]) == 1
    reaper.join(20)
    assert process.returncode == -signal.SIGKILL
    process.stdout.close()
    assert processes_in([namespace]) == {} and end_processes([namespace]) == 0


def test_a_name_without_a_namespace_behind_it_is_taken_away() -> None:
    path = MOUNTED / full_name(fresh_name(), "one")
    path.touch()
    assert processes_in([path.name]) == {}
    delete(path.name)
    assert not Path(path).exists()
    delete(path.name)


def test_an_error_says_the_command_and_its_words() -> None:
    with pytest.raises(LiveError, match=r"ip -n otmon-lab.nobody.one link.*otmon-lab.nobody.one"):
        run(["ip", "-n", "otmon-lab.nobody.one", "link"])
    with pytest.raises(LiveError, match=r"namespace otmon-lab.nobody.one: No such file"):
        asked_inside("otmon-lab.nobody.one", lambda: None)
