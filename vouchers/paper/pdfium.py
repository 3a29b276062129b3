"""Pages of a PDF as pictures.

PDFium keeps one state for a whole process: its documents may not be touched by two threads at once, not even two
documents (pypdfium2, "Thread incompatibility"), and a process that does so dies. Here each touch waits its turn; a long
file gives way after every page.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pypdfium2 import PdfBitmap, PdfDocument

_turn: Final = threading.RLock()
"""Of one thread not against itself: a document that it abandoned may be closed while it draws another."""


class Drawn:
    """A PDF, open until the end of its `with`. `pages`: how many it has."""

    def __init__(self, pdf: Path | bytes) -> None:
        with _turn:
            self._document = PdfDocument(pdf)
            self.pages = len(self._document)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _turn:
            self._document.close()

    @contextmanager
    def page(self, number: int, *, dpi: int, grey: bool = False) -> Iterator[PdfBitmap]:
        """Page `number`, from 0, as a bitmap that is gone after the `with`. Nobody else draws meanwhile."""
        with _turn:
            page = self._document[number]
            try:
                bitmap = page.render(scale=dpi / 72, grayscale=grey)
                try:
                    yield bitmap
                finally:
                    bitmap.close()
            finally:
                page.close()
