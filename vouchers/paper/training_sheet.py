"""A page of vouchers without value, with which a shop practises: the till plays their life by itself.

They look like ours as far as a scan goes, and like nothing that anyone could take for money: no issuer, no serial, no
control code, and what they are said in white on black across each. The same page for a host is the same bytes.
"""

import io
from typing import Final

from reportlab.pdfgen.canvas import Canvas

from vouchers.codes import training_text
from vouchers.money import face_value_fr
from vouchers.paper import fonts, qr
from vouchers.paper.cheque import MM

FACES: Final = (500, 500, 1_000, 1_000, 1_000, 1_000, 2_000, 2_000)
"""Cents, in the order of the page."""
WARNING: Final = "ENTRAÎNEMENT – SANS VALEUR"

_PAGE_WIDE, _PAGE_HIGH = 210 * MM, 297 * MM
_WIDE, _HIGH = 94 * MM, 62 * MM
_LEFT, _FOOT = 11 * MM, 12 * MM
_QR_SIDE: Final = 32 * MM
_TEXT_ROOM: Final = 44 * MM
"""From the left to the quiet zone of the code."""
_BANNER: Final = 13 * MM


def training_sheet(*, host: str) -> bytes:
    """One A4 page: eight vouchers, numbered from 1, whose codes lead to the till of `host`."""
    out = io.BytesIO()
    first = fonts.font(fonts.REGULAR).fontName
    fonts.font(fonts.BOLD)
    canvas = Canvas(
        out, (_PAGE_WIDE, _PAGE_HIGH), invariant=True, pageCompression=1, lang="fr-FR", initialFontName=first
    )
    canvas.setTitle("Chèques d’entraînement, sans valeur")
    canvas.setCreator("vouchers")
    _draw_head(canvas)
    for place, cents in enumerate(FACES):
        row, column = divmod(place, 2)
        canvas.saveState()
        canvas.translate(_LEFT + column * _WIDE, _FOOT + (3 - row) * _HIGH)
        _draw_voucher(canvas, cents=cents, text=training_text(host, cents=cents, number=place + 1), number=place + 1)
        canvas.restoreState()
    canvas.save()
    return out.getvalue()


def _draw_head(canvas: Canvas) -> None:
    canvas.setFont(fonts.BOLD, 17)
    canvas.drawString(_LEFT, 281 * MM, "Chèques d’entraînement, sans valeur")
    canvas.setFont(fonts.REGULAR, 10.5)
    canvas.drawString(_LEFT, 273.5 * MM, "Sur la caisse : Menu, puis Entraînement. Scannez un chèque : il est accepté.")
    canvas.drawString(
        _LEFT, 268 * MM, "Scannez-le encore : « déjà utilisé ». Hors de ce mode, la caisse les refuse tous."
    )
    canvas.setFont(fonts.REGULAR, 8)
    canvas.setFillGray(0.35)
    advice = "À découper en suivant les pointillés. Aucun de ces chèques n’a de valeur, nulle part."
    canvas.drawCentredString(_PAGE_WIDE / 2, 6 * MM, advice)
    canvas.setFillGray(0)


def _draw_voucher(canvas: Canvas, *, cents: int, text: str, number: int) -> None:
    """The origin at its lower left corner."""
    canvas.setStrokeGray(0.5)
    canvas.setLineWidth(0.5)
    canvas.setDash(3, 3)
    canvas.rect(0, 0, _WIDE, _HIGH)
    canvas.setDash()
    canvas.setFillGray(0)
    canvas.rect(2 * MM, _HIGH - _BANNER - 2 * MM, _WIDE - 4 * MM, _BANNER, stroke=0, fill=1)
    canvas.setFillGray(1)
    line, size = fonts.fitted(WARNING, name=fonts.BOLD, size=18, least=12, room=_WIDE - 8 * MM)
    canvas.setFont(fonts.BOLD, size)
    canvas.drawCentredString(_WIDE / 2, _HIGH - 2 * MM - _BANNER / 2 - size * 0.35, line)
    canvas.setFillGray(0.72)
    canvas.setFont(fonts.BOLD, 44)
    canvas.drawString(6 * MM, 25 * MM, face_value_fr(cents))
    # Struck out: found in a drawer, it still is no voucher.
    canvas.setStrokeGray(0)
    canvas.setLineWidth(2)
    canvas.line(5 * MM, 22.5 * MM, 42 * MM, 39 * MM)
    canvas.setFillGray(0)
    numbered = f"N° {number} sur {len(FACES)}"
    for font, foot, words in (
        (fonts.BOLD, 16, "Faux chèque"),
        (fonts.BOLD, 11.5, "pour apprendre"),
        (fonts.REGULAR, 6, numbered),
    ):
        line, size = fonts.fitted(words, name=font, size=11.5, least=8, room=_TEXT_ROOM)
        canvas.setFont(font, size)
        canvas.drawString(6 * MM, foot * MM, line)
    drawn = qr.modules(text)
    unit = _QR_SIDE / drawn.side
    canvas.saveState()
    canvas.translate(_WIDE - _QR_SIDE - 6 * MM, 6 * MM)
    canvas.scale(unit, unit)
    canvas._code.append(qr.pdf_path(drawn).decode("ascii").rstrip())
    canvas.restoreState()
