"""The press beside the desks: a batch issued while somebody watches, and its sheets as a file to be taken away.

Issuing is long work: it goes on in a thread of this process, chunk by chunk, whether or not anybody looks. A restart
interrupts it between two chunks; whoever presses the button again goes on from there. The press issues a batch once
at a time; another process that does so too takes turns with it, chunk by chunk.
"""

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from vouchers import workshop
from vouchers.db import Database
from vouchers.errors import BatchState

_AT_ONCE: Final = 256 * 1024
_logger: Final = logging.getLogger(__name__)
_turn: Final = threading.Lock()
_running: Final[set[tuple[str, int, int]]] = set()


def issue_in_background(
    house: Database, *, programme_id: int, batch_number: int, pepper: bytes, actor: str, now: workshop.Now
) -> bool:
    """Begin, or take up again, the issue of a batch; gives whether it was not under way here already."""
    key = (str(house.url), programme_id, batch_number)
    with _turn:
        if key in _running:
            return False
        _running.add(key)

    def work() -> None:
        try:
            workshop.issue_whole(
                house, programme_id=programme_id, batch_number=batch_number, pepper=pepper, actor=actor, now=now
            )
        except BatchState:
            # Another process issued the last chunk meanwhile.
            _logger.info("batch %d of programme %d was issued elsewhere", batch_number, programme_id)
        except Exception:
            # Nobody waits for this thread: what stops it is told here, and the page says that it stopped.
            _logger.exception("the issue of batch %d of programme %d stopped", batch_number, programme_id)
        finally:
            with _turn:
                _running.discard(key)

    threading.Thread(target=work, name=f"issue-{programme_id}-{batch_number}", daemon=True).start()
    return True


def is_issuing(house: Database, *, programme_id: int, batch_number: int) -> bool:
    """Whether this process is at it now."""
    with _turn:
        return (str(house.url), programme_id, batch_number) in _running


def open_sheets(house: Database, *, programme_id: int, batch_number: int, pepper: bytes) -> tuple[IO[bytes], int]:
    """The checked sheets of a batch and their length, open and no longer in any folder: gone with the last reader.

    Refuses `NotFound`, `BatchState`, `SheetsHandedOver`. Raises `SheetMismatch`.
    """
    with tempfile.TemporaryDirectory(prefix="sheets-") as folder:
        out = Path(folder) / "sheets.pdf"
        workshop.print_sheets(
            house, programme_id=programme_id, batch_number=batch_number, pepper=pepper, out=out, processes=1
        )
        file = out.open("rb")
    return file, file.seek(0, os.SEEK_END)


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The whole file, a quarter of a megabyte at a time; it is closed at the end."""
    with file:
        file.seek(0)
        while piece := file.read(_AT_ONCE):
            yield piece
