"""The press beside the desks: a batch issued while somebody watches, and its sheets as a file to be taken away.

Issuing is long work, like making and sending the papers of a payment run: it goes on in a thread of this process, chunk
by chunk, whether or not anybody looks. A restart interrupts it between two chunks; whoever presses the button again
goes on from there. The press does one work once at a time; another process that does so too takes turns with it, chunk
by chunk.
"""

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import IO, Final

from vouchers import mail_merge, run_papers, statement_post, workshop
from vouchers.config import Settings
from vouchers.db import Database
from vouchers.errors import BatchState, Refusal
from vouchers.paper.letter import Together

_AT_ONCE: Final = 256 * 1024
_logger: Final = logging.getLogger(__name__)
_turn: Final = threading.Lock()
_running: Final[set[tuple[str, str, int, int]]] = set()


def issue_in_background(
    house: Database, *, programme_id: int, batch_number: int, pepper: bytes, actor: str, now: workshop.Now
) -> bool:
    """Begin, or take up again, the issue of a batch; gives whether it was not under way here already."""

    def work() -> None:
        try:
            workshop.issue_whole(
                house, programme_id=programme_id, batch_number=batch_number, pepper=pepper, actor=actor, now=now
            )
        except BatchState:
            # Another process issued the last chunk meanwhile.
            _logger.info("batch %d of programme %d was issued elsewhere", batch_number, programme_id)

    return _begun(house, "issue", programme_id, batch_number, work)


def is_issuing(house: Database, *, programme_id: int, batch_number: int) -> bool:
    """Whether this process is at it now."""
    return _is_at(house, "issue", programme_id, batch_number)


def make_papers_in_background(
    house: Database, *, programme_id: int, number: int, actor: str, now: workshop.Now
) -> bool:
    """Begin, or take up again, the papers of a run; gives whether they were not under way here already."""

    def work() -> None:
        run_papers.make_papers(house, programme_id=programme_id, number=number, actor=actor, now=now)

    return _begun(house, "papers", programme_id, number, work)


def is_making_papers(house: Database, *, programme_id: int, number: int) -> bool:
    """Whether this process is at it now."""
    return _is_at(house, "papers", programme_id, number)


def send_in_background(
    house: Database,
    settings: Settings,
    *,
    programme_id: int,
    number: int,
    address: str,
    actor: str,
    now: workshop.Now,
) -> bool:
    """Begin, or take up again, the letters of a run; gives whether they were not under way here already."""

    def work() -> None:
        statement_post.send_statements(
            house, settings, programme_id=programme_id, number=number, address=address, actor=actor, now=now
        )

    return _begun(house, "letters", programme_id, number, work)


def is_sending(house: Database, *, programme_id: int, number: int) -> bool:
    """Whether this process is at it now."""
    return _is_at(house, "letters", programme_id, number)


def _begun(house: Database, what: str, programme_id: int, number: int, work: Callable[[], None]) -> bool:
    key = (str(house.url), what, programme_id, number)
    with _turn:
        if key in _running:
            return False
        _running.add(key)

    def watched() -> None:
        try:
            work()
        except Refusal as refusal:
            # What made it impossible since: the page says that it stopped, and whoever tries again is told why.
            _logger.warning("%s %d of programme %d refused: %s", what, number, programme_id, refusal.reason)
        except Exception:
            # Nobody waits for this thread: what stops it is told here, and the page says that it stopped.
            _logger.exception("%s %d of programme %d stopped", what, number, programme_id)
        finally:
            with _turn:
                _running.discard(key)

    try:
        threading.Thread(target=watched, name=f"{what}-{programme_id}-{number}", daemon=True).start()
    except BaseException:
        # No thread could be had: it is not under way, and may be begun again.
        with _turn:
            _running.discard(key)
        raise
    return True


def _is_at(house: Database, what: str, programme_id: int, number: int) -> bool:
    with _turn:
        return (str(house.url), what, programme_id, number) in _running


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


def open_letters(
    house: Database,
    *,
    programme_id: int,
    order_number: int,
    pepper: bytes,
    written_on: date,
    order_by: mail_merge.OrderBy,
    together: Together,
    shops: mail_merge.Shops,
) -> tuple[IO[bytes], int]:
    """The same of an order's letters. Refuses and raises as `mail_merge.write_letters`."""
    with tempfile.TemporaryDirectory(prefix="letters-") as folder:
        out = Path(folder) / "letters.pdf"
        mail_merge.write_letters(
            house,
            programme_id=programme_id,
            order_number=order_number,
            pepper=pepper,
            out=out,
            written_on=written_on,
            order_by=order_by,
            together=together,
            shops=shops,
            processes=1,
        )
        file = out.open("rb")
    return file, file.seek(0, os.SEEK_END)


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The whole file, a quarter of a megabyte at a time; it is closed at the end."""
    with file:
        file.seek(0)
        while piece := file.read(_AT_ONCE):
            yield piece
