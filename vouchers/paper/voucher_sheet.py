"""Vouchers as A4 sheets: three cheques a page, to be cut; and every QR code of the finished file read back.

`write_sheets` makes the file, `check_sheets` renders and reads it: a file that was not checked is not handed over.
Both work in memory that does not grow with the batch, so that 100 000 vouchers need no more than 100.
"""

import io
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

import zxingcpp
from reportlab.pdfgen.canvas import Canvas

from vouchers.codes import CODE_CHARS, CONTROL_CHARS, pretty_serial, qr_text
from vouchers.paper import fonts, qr
from vouchers.paper.cheque import (
    BLEED,
    CHEQUE_HIGH,
    CHEQUE_WIDE,
    MM,
    Cheque,
    Face,
    SheetText,
    draw_shared,
    draw_specimen,
    face,
    words_and_code,
)
from vouchers.paper.pdf_stream import PdfStream
from vouchers.paper.pdfium import Drawn

__all__ = [
    "CHEQUES_A_PAGE", "Cheque", "SheetMismatch", "SheetText", "check_pages", "check_sheets", "preview", "read_codes",
    "specimen", "write_sheets",
]  # fmt: skip

T = TypeVar("T")
CHEQUES_A_PAGE: Final = 3

_PAGE_WIDE, _PAGE_HIGH = 210 * MM, 297 * MM
_LEFT: Final = (_PAGE_WIDE - CHEQUE_WIDE) / 2
_FOOT: Final = (_PAGE_HIGH - CHEQUES_A_PAGE * CHEQUE_HIGH) / 2
_PAGES_A_JOB: Final = 1_000
"""Pages read from one opening of the file: pdfium keeps what it has parsed until the file is closed, which bounds this
from above, and finds a page by walking over all before it, which bounds it from below."""
_PRINTER_DPI: Final = 300
_PREVIEW_DPI: Final = 130
_CHECK_DPI: Final = 96
"""3.6 dots a module at version 3: coarser than any printer, so that what is read here has a margin."""


class SheetMismatch(Exception):
    """A finished file does not say what was meant; it must not leave. An internal alarm, not a refusal.

    `page` counts from 1; `serial` is the one meant there, None for a code too many. A code itself is never told.
    """

    def __init__(self, what: str, *, page: int, serial: int | None) -> None:
        super().__init__(f"page {page}, voucher {'none' if serial is None else pretty_serial(serial)}: {what}")
        self.what, self.page, self.serial = what, page, serial


def write_sheets(
    out: BinaryIO | Path,
    *,
    text: SheetText,
    cheques: Iterable[Cheque],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the PDF of `cheques`, in their order, and return how many there are.

    `cheques` is read once, a page at a time; the same input gives the same bytes. `progress` hears after each page how
    many are done. ValueError when there is none.
    """
    with ExitStack() as stack:
        file = stack.enter_context(out.open("wb")) if isinstance(out, Path) else out
        template = _template(text)
        pdf = PdfStream(file, template=template.pdf)
        done = 0
        for number, few in enumerate(_by_page(cheques), start=1):
            pdf.add_page(_page(template, text.host, number=number, cheques=few))
            done += len(few)
            if progress is not None:
                progress(done)
        if not done:
            raise ValueError("no cheque to print")
        pdf.finish(title=f"Chèques cadeaux · {fonts.printable(text.programme_name)}")
    return done


def check_sheets(
    pdf: Path,
    *,
    host: str,
    expected: Iterable[tuple[int, str]],
    progress: Callable[[int], None] | None = None,
    processes: int = 1,
) -> int:
    """Render every page of the finished file, read every QR code, compare with the (serial, code) that were meant.

    Order counts, from the top of the first page down. Returns how many were read. Raises `SheetMismatch` at the first
    code that is wrong, missing or too many. With `processes` above 1 that many others read, and this one compares.
    """
    return check_pages(pdf, host=host, expected=_by_page(expected), progress=progress, processes=processes)


def check_pages(
    pdf: Path,
    *,
    host: str,
    expected: Iterable[Sequence[tuple[int, str]]],
    progress: Callable[[int], None] | None = None,
    processes: int = 1,
) -> int:
    """The same where each page has its own number of codes, from the top down, or none: `expected` page by page."""
    meant = iter(expected)
    done, number = 0, 0
    for number, read in enumerate(_codes_by_page(pdf, processes), start=1):
        few = next(meant, None)
        if few is None:
            raise SheetMismatch("a page too many", page=number, serial=None)
        wanted = [qr_text(host, code) for _, code in few]
        if read != wanted:
            _alarm(_closer_look(pdf, page=number), wanted, few, page=number)
        done += len(few)
        if progress is not None:
            progress(done)
    for few in meant:
        raise SheetMismatch("the file ends before it", page=number + 1, serial=few[0][0] if few else None)
    return done


def read_codes(pdf: Path, *, processes: int = 1) -> Iterator[str]:
    """What every QR code of a file says, from the top of the first page down, as a phone would read it."""
    for page in _codes_by_page(pdf, processes):
        yield from page


def preview(text: SheetText, *, face_cents: int) -> bytes:
    """One cheque as it would be printed, as a PNG picture: its numbers are made up, and SPECIMEN is written over it."""
    first = fonts.font(fonts.REGULAR).fontName
    drawn, made = io.BytesIO(), io.BytesIO()
    canvas = Canvas(drawn, (CHEQUE_WIDE, CHEQUE_HIGH), invariant=True, initialFontName=first)
    bold = face(canvas, fonts.BOLD)
    canvas.beginForm("cheque", 0, 0, CHEQUE_WIDE, CHEQUE_HIGH)
    draw_shared(canvas, text)
    canvas.endForm()
    canvas.doForm("cheque")
    canvas.setFillGray(0)
    canvas.setFont(fonts.BOLD, 8)
    canvas._code.append(words_and_code(specimen(face_cents), host=text.host, bold=bold).decode("ascii"))
    draw_specimen(canvas)
    canvas.save()
    with Drawn(drawn.getvalue()) as cheque, cheque.page(0, dpi=_PREVIEW_DPI) as bitmap:
        bitmap.to_pil().save(made, format="PNG")
    return made.getvalue()


def specimen(face_cents: int) -> Cheque:
    """A cheque whose numbers are made up."""
    return Cheque(0, face_cents, ("SPECIMEN" * 4)[:CODE_CHARS], "X" * CONTROL_CHARS)


class _Template(NamedTuple):
    """A PDF of one page with the two forms that all pages draw, and the fonts to go on with."""

    pdf: bytes
    regular: Face
    bold: Face


def _template(text: SheetText) -> _Template:
    made = io.BytesIO()
    # A first font of ours, or reportlab would name Helvetica, which it does not embed.
    first = fonts.font(fonts.REGULAR).fontName
    canvas = Canvas(made, (_PAGE_WIDE, _PAGE_HIGH), invariant=True, pageCompression=1, initialFontName=first)
    regular, bold = face(canvas, fonts.REGULAR), face(canvas, fonts.BOLD)
    canvas.beginForm("cheque", -BLEED, 0, CHEQUE_WIDE, CHEQUE_HIGH)
    draw_shared(canvas, text)
    canvas.endForm()
    canvas.beginForm("sheet", 0, 0, _PAGE_WIDE, _PAGE_HIGH)
    _draw_sheet(canvas)
    canvas.endForm()
    canvas.doForm("sheet")
    canvas.doForm("cheque")
    canvas.save()
    return _Template(made.getvalue(), regular, bold)


def _draw_sheet(canvas: Canvas) -> None:
    """Cut marks outside the cheques, faint dots between them, and how to print."""
    right, top = _LEFT + CHEQUE_WIDE, _FOOT + CHEQUES_A_PAGE * CHEQUE_HIGH
    rows = [_FOOT + row * CHEQUE_HIGH for row in range(CHEQUES_A_PAGE + 1)]
    canvas.setStrokeGray(0)
    canvas.setLineWidth(0.3)
    canvas.lines(
        [(x, y, x + 5 * MM, y) for y in rows for x in (_LEFT - 10 * MM, right + 5 * MM)]
        + [(x, y, x, y + 5 * MM) for x in (_LEFT, right) for y in (_FOOT - 10 * MM, top + 5 * MM)]
    )
    canvas.setStrokeGray(0.6)
    canvas.setDash(0.5, 3)
    canvas.lines([(_LEFT, y, right, y) for y in rows] + [(right, _FOOT, right, top)])
    canvas.setDash()
    canvas.setFillGray(0.35)
    canvas.setFont(fonts.REGULAR, 8)
    advice = "À imprimer en taille réelle (100 %), puis à couper sur les repères."
    canvas.drawCentredString(_PAGE_WIDE / 2, top + 12 * MM, advice)


def _page(template: _Template, host: str, *, number: int, cheques: Sequence[Cheque]) -> bytes:
    first, last = pretty_serial(cheques[0].serial), pretty_serial(cheques[-1].serial)
    range_of = f"N° {first}" if len(cheques) == 1 else f"N° {first} à {last}"
    parts = [
        b"/FormXob.sheet Do 0 g\n",
        template.regular.show_centred(
            f"Feuille {number} · {range_of}", size=8, x=_PAGE_WIDE / 2, y=13 * MM, room=CHEQUE_WIDE
        ),
    ]
    for row, cheque in enumerate(cheques):
        foot = _FOOT + (CHEQUES_A_PAGE - 1 - row) * CHEQUE_HIGH
        parts += (
            b"q 1 0 0 1 %.3f %.3f cm /FormXob.cheque Do 0 g\n" % (_LEFT, foot),
            words_and_code(cheque, host=host, bold=template.bold),
            b"Q\n",
        )
    return b"".join(parts)


def _by_page(cheques: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(cheques)
    while few := list(itertools.islice(rest, CHEQUES_A_PAGE)):
        yield few


def _alarm(read: list[str], wanted: list[str], meant: Sequence[tuple[int, str]], *, page: int) -> None:
    """Say what differs, if anything does."""
    for (serial, _), text in zip(meant, wanted, strict=True):
        if text not in read:
            what = "its code cannot be read" if len(read) < len(wanted) else "its code reads as another"
            raise SheetMismatch(what, page=page, serial=serial)
    if read != wanted:
        raise SheetMismatch("a code too many, twice or out of order", page=page, serial=None)


def _closer_look(pdf: Path, *, page: int) -> list[str]:
    # As finely as a printer draws: a code that only the coarse picture could not show is no reason for an alarm.
    with Drawn(pdf) as document:
        return _read_page(document, page - 1, dpi=_PRINTER_DPI)


def _codes_by_page(pdf: Path, processes: int) -> Iterator[list[str]]:
    with Drawn(pdf) as document:
        pages = document.pages
    # Some jobs for each reader even in a small file.
    size = min(_PAGES_A_JOB, -(-pages // (4 * processes)))
    jobs = (range(first, min(first + size, pages)) for first in range(0, pages, size))
    if processes == 1:
        for job in jobs:
            yield from _each_page(pdf, job)
        return
    # Spawned, not forked: the parent may hold database connections and threads.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        ahead: deque[Future[list[list[str]]]] = deque()
        for job in jobs:
            ahead.append(pool.submit(_read_pages, pdf, job))
            # A short queue, so that neither jobs nor answers pile up however long the file is.
            if len(ahead) > 2 * processes:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _read_pages(pdf: Path, pages: range) -> list[list[str]]:
    return list(_each_page(pdf, pages))


def _each_page(pdf: Path, pages: range) -> Iterator[list[str]]:
    with Drawn(pdf) as document:
        for number in pages:
            yield _read_page(document, number)


def _read_page(document: Drawn, number: int, *, dpi: int = _CHECK_DPI) -> list[str]:
    with document.page(number, dpi=dpi, grey=True) as bitmap:
        dots = memoryview(bitmap.buffer).cast("B")
        return list(
            qr.read_upright(
                zxingcpp.ImageView(dots, bitmap.width, bitmap.height, zxingcpp.ImageFormat.Lum, bitmap.stride)
            )
        )
