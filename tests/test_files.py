"""A file that appears whole or not at all, whoever else writes one of the same name."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vouchers.files import appearing


def test_of_two_files_of_one_name_both_end_whole_and_the_later_stays(tmp_path: Path) -> None:
    out = tmp_path / "reglement-1.xml"
    with appearing(out) as later, later.open("w") as file:
        file.write("the ")
        with appearing(out) as earlier:
            earlier.write_text("the earlier")
        assert out.read_text() == "the earlier"
        file.write("later")
    assert out.read_text() == "the later"
    assert [path.name for path in tmp_path.iterdir()] == ["reglement-1.xml"]


def test_what_a_killed_command_left_goes_hours_later_with_the_next(tmp_path: Path) -> None:
    out = tmp_path / "planches.pdf"
    at_work, killed = (tmp_path / f"planches.pdf.{name}.part" for name in ("a", "b"))
    at_work.write_text("codes of vouchers")
    killed.write_text("codes of vouchers")
    hours_ago = killed.stat().st_mtime - 7 * 3_600
    os.utime(killed, (hours_ago, hours_ago))
    with appearing(out) as part:
        assert part.read_text() == ""
        part.write_text("whole")
    assert (out.read_text(), out.stat().st_mode & 0o777) == ("whole", 0o600)
    assert {path.name for path in tmp_path.iterdir()} == {"planches.pdf", at_work.name}


def without_links(*_names: object) -> None:
    raise OSError(errno.EOPNOTSUPP, "a USB stick, or a share")


@pytest.mark.parametrize("linked", [Path.hardlink_to, without_links])
def test_what_must_not_be_written_over_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: Callable[..., None]
) -> None:
    monkeypatch.setattr(Path, "hardlink_to", linked)
    out = tmp_path / "secrets.json"
    with appearing(out, over=False) as part:
        part.write_text("the first")
    with pytest.raises(FileExistsError), appearing(out, over=False) as part:
        part.write_text("the second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the first"]


def test_what_goes_wrong_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "reglement-1.xml"
    out.write_text("last month's")
    with pytest.raises(ValueError, match="no"), appearing(out):
        raise ValueError("no")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["last month's"]
