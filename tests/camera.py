"""Printed vouchers held before a phone's camera: a film for Chromium to play in the camera's place.

Chromium takes an `.mjpeg` file (JPEG pictures end to end, 30 a second, again from the start at its end) for the picture
of its fake camera: `--use-file-for-fake-video-capture`.
"""

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pypdfium2
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter

from vouchers.paper.cheque import CHEQUE_HIGH, CHEQUE_WIDE, MM

HELD_S: Final = 2
AWAY_S: Final = 4
"""Longer than the till takes a paper for the one it has just read."""
REST_MARK: Final = (16, 16)
"""A place outside what the till decodes, white while a voucher is at rest: for whoever measures from there."""

_PICTURES_A_SECOND: Final = 30
_WIDE, _HIGH = 1280, 720
_DOTS_A_MM: Final = 7
"""1 280 dots across 18 cm: a phone at some 18 cm from the paper."""
_HAND_MOVES: Final = 30
_ARRIVES_IN: Final = 9
"""Pictures from the edge of the table to rest."""
_TABLE: Final = (104, 84, 66)


def film(sheet: Path, *, qr_texts: Sequence[str], out: Path, held_s: float = HELD_S, away_s: float = AWAY_S) -> None:
    """Write the film of vouchers of the printed `sheet`, one after the other.

    Each: an empty counter for `away_s`, at whose end a hand brings the voucher, then held for `held_s`.
    """
    empty = _jpeg(Image.new("RGB", (_WIDE, _HIGH), _TABLE))
    with out.open("wb") as file:
        for counter, middle in _on_the_counter(sheet, qr_texts):
            brought = [_seen(counter, middle, away=1 - step / _ARRIVES_IN) for step in range(_ARRIVES_IN)]
            held = [_seen(counter, middle, moment=step / _HAND_MOVES) for step in range(_HAND_MOVES)]
            file.write(empty * (round(away_s * _PICTURES_A_SECOND) - _ARRIVES_IN))
            file.writelines(brought)
            file.writelines(held[number % _HAND_MOVES] for number in range(round(held_s * _PICTURES_A_SECOND)))


def photo(sheet: Path, *, qr_text: str, out: Path) -> Path:
    """One picture of a voucher at rest, as a phone's own camera app would take it."""
    ((counter, middle),) = _on_the_counter(sheet, [qr_text])
    out.write_bytes(_seen(counter, middle))
    return out


def _on_the_counter(sheet: Path, qr_texts: Sequence[str]) -> Iterator[tuple[Image.Image, tuple[float, float]]]:
    """Each voucher, cut out of its page and laid on a counter; and the middle of its QR code."""
    with pypdfium2.PdfDocument(sheet) as pdf:
        pages = [page.render(scale=_DOTS_A_MM / MM).to_pil().convert("RGB") for page in pdf]
    printed = {code.text: (page, code.position) for page in pages for code in zxingcpp.read_barcodes(page)}
    for page, position in (printed[text] for text in qr_texts):
        corners = [position.top_left, position.bottom_right]
        x, y = (sum(getattr(corner, axis) for corner in corners) / 2 for axis in "xy")
        wide, high = CHEQUE_WIDE * _DOTS_A_MM / MM, CHEQUE_HIGH * _DOTS_A_MM / MM
        left, above_all = (page.width - wide) / 2, (page.height - 3 * high) / 2
        top = above_all + (y - above_all) // high * high
        cheque = page.crop((round(left), round(top), round(left + wide), round(top + high)))
        counter = Image.new("RGB", (cheque.width + 2 * _WIDE, cheque.height + 2 * _HIGH), _TABLE)
        shadow = (_WIDE + 8, _HIGH + 12, _WIDE + cheque.width + 8, _HIGH + cheque.height + 12)
        ImageDraw.Draw(counter).rectangle(shadow, fill=(66, 54, 43))
        counter.paste(cheque, (_WIDE, _HIGH))
        yield counter, (_WIDE + x - left, _HIGH + y - top)


def _seen(counter: Image.Image, middle: tuple[float, float], *, moment: float = 0, away: float = 0) -> bytes:
    """One picture of a hand that is not quite still: turned, tilted, a little out of focus, in the light of a shop.

    `away`: how far it still is from rest, as a part of the picture's width; then it moves, and is blurred by it.
    """
    swing = math.sin(2 * math.pi * moment)
    turned = math.radians(4 + 3 * swing)
    nearer = 0.94 + 0.03 * swing  # the lower edge, towards the customer
    corners: list[float] = []
    for across, down in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
        x = across * _WIDE / 2 * (nearer if down > 0 else 1) + 18 * swing - away * _WIDE
        y = down * _HIGH / 2 - 10 * swing
        corners.append(middle[0] + x * math.cos(turned) - y * math.sin(turned))
        corners.append(middle[1] + x * math.sin(turned) + y * math.cos(turned))
    view = counter.transform((_WIDE, _HIGH), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    if away:
        view = view.filter(ImageFilter.BoxBlur((_WIDE / _ARRIVES_IN / 4, 0)))
    dimmed = view.filter(ImageFilter.GaussianBlur(1.2)).point(lambda light: int(light * 0.82))
    if not away:
        ImageDraw.Draw(dimmed).rectangle((0, 0, *(2 * side for side in REST_MARK)), fill=(255, 255, 255))
    return _jpeg(dimmed)


def _jpeg(picture: Image.Image) -> bytes:
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=80)
    return made.getvalue()
