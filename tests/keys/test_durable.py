"""Files that are whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keys.durable import write_whole

WRITES_FOR_EVER = """
import sys
from pathlib import Path
from keys.durable import write_whole
print("writing", flush=True)
number = 0
while True:
    number += 1
    write_whole(Path(sys.argv[1]), b"%d" % (number % 10) * 100_000)
"""


def test_what_is_written_replaces_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "state"
    write_whole(file, b"one")
    write_whole(file, b"two")
    assert file.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["state"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "state", b"new")
    assert os.listdir(tmp_path) == ["state"]
    assert (tmp_path / "state").is_dir()


def test_threads_that_write_one_file_leave_one_of_theirs(tmp_path: Path) -> None:
    file = tmp_path / "state"
    contents = [bytes([number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=write_whole, args=(file, data)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_bytes() in contents
    assert os.listdir(tmp_path) == ["state"]


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "state"
    for _ in range(5):
        command = [sys.executable, "-c", WRITES_FOR_EVER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not file.exists():
                pass
            writer.kill()
        data = file.read_bytes()
        assert len(data) == 100_000
        assert len(set(data)) == 1
