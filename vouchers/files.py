"""A file that appears whole, or not at all, whoever else writes one of the same name."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Final

_PART: Final = ".part"
_DEAD_SECONDS: Final = 6 * 3_600
"""A part on which nobody wrote for so long is a killed command's. Not told by a lock: on a network share nobody could
write to a locked file."""


@contextmanager
def appearing(out: Path, *, over: bool = True) -> Iterator[Path]:
    """An empty file beside `out`, its owner's alone, which becomes `out` when the block ends well, and durably so.

    When it does not, `out` is what it was before, and the file beside it is gone: what a killed command left, hours
    later, with the next that writes `out`. Its name is this block's own: of two at once both end whole, and the later
    one stays; or without `over` the first, and `FileExistsError` is raised to the other.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{out.name}.", suffix=_PART, dir=out.parent)
    os.close(handle)
    part = Path(name)
    try:
        _sweep(out, part)
        yield part
        _sync(part)
        if over:
            part.replace(out)
        else:
            _claim(out, part)
        # The name is durable only once its folder is.
        _sync(out.parent)
    finally:
        part.unlink(missing_ok=True)


def _claim(out: Path, part: Path) -> None:
    try:
        out.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # No hard links there (a USB stick, a share): the name is claimed by an empty file, and then filled.
        out.touch(mode=0o600, exist_ok=False)
        try:
            part.replace(out)
        except OSError:
            out.unlink()
            raise


def _sweep(out: Path, part: Path) -> None:
    """Remove what killed commands left beside `out`: it may hold codes."""
    now = part.stat().st_mtime
    for left in out.parent.glob(f"{escape(out.name)}.*{_PART}"):
        with suppress(OSError):
            if now - left.stat().st_mtime > _DEAD_SECONDS:
                left.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
