"""A file appears whole under its name, or not at all, and a failure is one sentence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sciml.errors import RunFailed
from sciml.files.atomic import replacing, write_bytes


def test_a_file_and_its_folders_appear(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_bytes(path, b"content")
    assert path.read_bytes() == b"content"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert temporary.parent == path.parent  # os.replace is atomic on one file system only
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("place", "says"),
    [("file/x", "is a file, not a folder"), (".", "is a folder"), ("n" * 300, "too long")],
)
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str, says: str) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(RunFailed, match=says) as caught:
        write_bytes(tmp_path / place, b"content")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RunFailed, match="you may not write there"):
            write_bytes(tmp_path / "file", b"content")
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("may not mount a small disk here")
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    try:
        write_bytes(disk / "file", b"old")
        with pytest.raises(RunFailed, match="disk is full"):
            write_bytes(disk / "file", bytes(200_000))
        assert (disk / "file").read_bytes() == b"old"
        assert os.listdir(disk) == ["file"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
