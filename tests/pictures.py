"""Photographs of printed vouchers as phones take them: a corpus drawn from the sheet that we print, of a fixed seed.

Each picture shows one voucher of the sheet, seen through a pinhole camera (65° across, as a phone's main lens) at its
distance, turned and tilted, then through its lens, its light and its sensor. `KINDS` names what is wrong with it; level
1 is a usual day, 3 is where eyes begin to doubt. Sizes are in millimetres until the projection, so the same scene is
seen in VGA and in HD with the pixels that such a camera has for it.
"""

import io
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pypdfium2
import qrcode
import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from vouchers.paper.cheque import CHEQUE_HIGH, CHEQUE_WIDE, MM

SIZES: Final = {"VGA": (640, 480), "HD": (1280, 720)}
KINDS: Final = (
    "clean", "blur", "motion", "tilt", "perspective", "dim", "glare", "fold", "far", "faded", "damaged",
)  # fmt: skip
LEVELS: Final = (1, 2, 3)

_DOTS_A_MM: Final = 12
_TABLE: Final = 90
_AROUND: Final = 60
"""Millimetres of table around the voucher."""
_LENS: Final = 1 / (2 * math.tan(math.radians(65 / 2)))
"""Focal length, in widths of the picture."""

Point = tuple[float, float]
Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]


@dataclass(frozen=True, slots=True)
class Picture:
    """One photograph (JPEG) and what a reader must find in it: the text of its QR, or None where there is none."""

    kind: str
    level: int
    size: str
    text: str | None
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class _Scene:
    """How the paper lies before the camera, and what happens to its light on the way."""

    distance: float = 200
    roll: float = 0
    lean: float = 0
    swing: float = 0
    crease: float | None = None
    shake: float = 0
    shake_way: float = 0
    blur: float = 0.7
    light: float = 0.85
    noise: float = 5
    on_paper: Callable[[Image.Image], Image.Image] | None = None
    on_picture: Callable[[Image.Image, Point, float], Image.Image] | None = None
    aside: Point = field(default=(0, 0))


def pictures(sheet: Path, texts: list[str], *, each: int, seed: int = 1) -> Iterator[Picture]:
    """`each` pictures of every kind, level and size, of the vouchers on the first page that say `texts`."""
    papers = _papers(sheet, texts)
    for kind in KINDS:
        for level in LEVELS:
            for number in range(each):
                chance = random.Random(f"{seed} {kind} {level} {number}")
                text, paper, middle = papers[number % len(papers)]
                scene = _scene(kind, level, chance, middle)
                for size in SIZES:
                    yield Picture(kind, level, size, text, _photograph(paper, middle, scene, size, chance))


def pictures_of_nothing_of_ours(sheet: Path, texts: list[str], *, seed: int = 1) -> Iterator[Picture]:
    """What lies on counters besides: the voucher's words, an empty table, crossed squares, and another firm's QR."""
    chance = random.Random(f"{seed} nothing")
    _, voucher, middle = _papers(sheet, texts)[0]
    menu = "https://menu.example.com/table/12"
    others = [
        ("words", None, voucher, (middle[0] - 95 * _DOTS_A_MM, middle[1])),
        ("table", None, Image.new("L", voucher.size, _TABLE), middle),
        ("squares", None, _squares(voucher.size, chance), middle),
        ("other_firm", menu, *_other_firm(voucher.size, menu)),
    ]
    for kind, text, paper, seen in others:
        for level, distance in zip(LEVELS, (150, 190, 230), strict=True):
            scene = _scene("clean", level, chance, seen, distance=distance)
            for size in SIZES:
                yield Picture(kind, level, size, text, _photograph(paper, seen, scene, size, chance))


# ── The paper ────────────────────────────────────────────────────────────────────────────────────────────────────
def _papers(sheet: Path, texts: list[str]) -> list[tuple[str, Image.Image, Point]]:
    """Each voucher cut out of the page and laid on a table, with the middle of its QR."""
    with pypdfium2.PdfDocument(sheet) as pdf:
        page = pdf[0].render(scale=_DOTS_A_MM / MM).to_pil().convert("L")
    wide, high = (round(length * _DOTS_A_MM / MM) for length in (CHEQUE_WIDE, CHEQUE_HIGH))
    left, first = (page.width - wide) // 2, (page.height - 3 * high) // 2
    around = _AROUND * _DOTS_A_MM
    laid = []
    for code in zxingcpp.read_barcodes(page):
        if code.text not in texts:
            continue
        ends = (code.position.top_left, code.position.bottom_right)
        x, y = sum(end.x for end in ends) / 2, sum(end.y for end in ends) / 2
        top = first + (y - first) // high * high
        table = Image.new("L", (wide + 2 * around, high + 2 * around), _TABLE)
        table.paste(page.crop((left, round(top), left + wide, round(top) + high)), (around, around))
        laid.append((code.text, table, (around + x - left, around + y - top)))
    assert sorted(text for text, _, _ in laid) == sorted(texts)
    return sorted(laid)


def _cheque_on(paper: Image.Image) -> tuple[int, int, int, int]:
    around = _AROUND * _DOTS_A_MM
    return around, around, paper.width - around, paper.height - around


def _squares(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """A chequered cloth, with squares the size of a finder pattern."""
    cells = [chance.choice((30, 220)) if (at % 40 + at // 40) % 3 else 30 for at in range(40 * 24)]
    cloth = Image.new("L", (40, 24))
    cloth.putdata(cells)
    return cloth.resize(size, Image.Resampling.NEAREST)


def _other_firm(size: tuple[int, int], text: str) -> tuple[Image.Image, Point]:
    code = qrcode.QRCode(border=4, box_size=_DOTS_A_MM)
    code.add_data(text)
    paper = Image.new("L", size, 235)
    paper.paste(code.make_image().get_image().convert("L"), (size[0] // 3, size[1] // 3))
    side = (code.modules_count + 8) * _DOTS_A_MM / 2
    return paper, (size[0] // 3 + side, size[1] // 3 + side)


# ── What is wrong ────────────────────────────────────────────────────────────────────────────────────────────────
def _scene(kind: str, level: int, chance: random.Random, middle: Point, *, distance: float | None = None) -> _Scene:
    """A held phone is never quite square to the paper; what the kind adds depends on the level."""
    at = level - 1
    held = {
        "distance": distance or chance.uniform(160, 230),
        "roll": chance.uniform(-12, 12),
        "lean": chance.uniform(-8, 8),
        "swing": chance.uniform(-8, 8),
        "aside": (chance.uniform(-8, 8), chance.uniform(-8, 8)),
        "noise": 3 + 2 * at,
    }
    way = chance.choice((-1, 1))
    wrong: dict[str, dict[str, object]] = {
        "clean": {},
        "blur": {"blur": (1.5, 2.3, 3.1)[at]},
        "motion": {"shake": (5, 9, 14)[at], "shake_way": chance.uniform(0, math.pi)},
        "tilt": {"roll": way * chance.uniform(*((15, 40), (40, 90), (90, 180))[at])},
        "perspective": {"lean": way * (28, 42, 54)[at], "swing": chance.uniform(-20, 20)},
        "dim": {"light": (0.3, 0.15, 0.08)[at], "noise": (5, 7, 8)[at]},
        "glare": {"on_picture": _glare(chance, reach=(4, 7, 11)[at])},
        "fold": {"crease": way * (10, 20, 32)[at], "lean": chance.uniform(-15, 15)},
        "far": {"distance": (300, 390, 480)[at]},
        "faded": {"on_paper": _faded((0.5, 0.28, 0.16)[at])},
        "damaged": {"on_paper": _damaged(chance, middle, level)},
    }
    return _Scene(**(held | wrong[kind]))


def _faded(ink: float) -> Callable[[Image.Image], Image.Image]:
    """Thermal paper left in the sun, or a toner at its end."""
    pale = [round(225 - (255 - light) * ink * 225 / 255) for light in range(256)]

    def washed(paper: Image.Image) -> Image.Image:
        box = _cheque_on(paper)
        worn = paper.copy()
        worn.paste(paper.crop(box).point(pale), box)
        return worn

    return washed


def _damaged(chance: random.Random, middle: Point, level: int) -> Callable[[Image.Image], Image.Image]:
    """Pen strokes, a stain and a torn corner, over the code itself."""
    half = 15 * _DOTS_A_MM
    within = [(middle[0] + chance.uniform(-half, half), middle[1] + chance.uniform(-half, half)) for _ in range(12)]
    corner = (middle[0] + chance.choice((-half, half)), middle[1] + half)

    def marked(paper: Image.Image) -> Image.Image:
        worn = paper.copy()
        pen = ImageDraw.Draw(worn)
        for stroke in range(level):
            pen.line(within[3 * stroke : 3 * stroke + 3], fill=40 + 30 * stroke, width=3 + 2 * level)
        x, y = within[9]
        reach = (0.5 + level * 0.5) * _DOTS_A_MM
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=225)
        if level > 2:
            torn = 4 * _DOTS_A_MM
            pen.ellipse((corner[0] - torn, corner[1] - torn, corner[0] + torn, corner[1] + torn), fill=245)
        return worn

    return marked


def _glare(chance: random.Random, *, reach: float) -> Callable[[Image.Image, Point, float], Image.Image]:
    """A lamp mirrored in the paper beside the middle of the code, `reach` millimetres wide."""
    turn, off = chance.uniform(0, 2 * math.pi), chance.uniform(9, 15)

    def mirrored(view: Image.Image, middle: Point, dots_a_mm: float) -> Image.Image:
        radius = reach * dots_a_mm
        lamp = ImageChops.invert(Image.radial_gradient("L")).resize((round(4 * radius), round(3 * radius)))
        lit = Image.new("L", view.size)
        x, y = middle[0] + math.cos(turn) * off * dots_a_mm, middle[1] + math.sin(turn) * off * dots_a_mm
        bright = lamp.point([min(255, max(0, light - 80) * 3) for light in range(256)])
        lit.paste(bright, (round(x - 2 * radius), round(y - 1.5 * radius)))
        return ImageChops.screen(view, lit)

    return mirrored


# ── The camera ───────────────────────────────────────────────────────────────────────────────────────────────────
def _photograph(paper: Image.Image, middle: Point, scene: _Scene, size: str, chance: random.Random) -> bytes:
    """What the camera of that size takes of the scene."""
    wide, high = SIZES[size]
    fine = wide / SIZES["HD"][0]  # lens and hand are said for HD
    view = _seen(scene.on_paper(paper) if scene.on_paper else paper, middle, scene, (wide, high))
    focal = _LENS * wide
    if scene.on_picture:
        dots_a_mm = focal / scene.distance
        seen_at = (wide / 2 + scene.aside[0] * dots_a_mm, high / 2 + scene.aside[1] * dots_a_mm)
        view = scene.on_picture(view, seen_at, dots_a_mm)
    if scene.shake:
        view = _shaken(view, scene.shake * fine, scene.shake_way)
    view = view.filter(ImageFilter.GaussianBlur(scene.blur * fine))
    light = [round(min(255, level * scene.light + 4)) for level in range(256)]
    view = view.point(light)
    grain = Image.frombytes("L", view.size, chance.randbytes(wide * high))
    spread = scene.noise * math.sqrt(12) / 256
    view = ImageChops.add(view, grain.point([round(level * spread) for level in range(256)]), 1, -round(128 * spread))
    made = io.BytesIO()
    view.convert("RGB").save(made, "JPEG", quality=88)
    return made.getvalue()


def _seen(paper: Image.Image, middle: Point, scene: _Scene, size: tuple[int, int]) -> Image.Image:
    """The paper through the pinhole; folded through the code, it is two planes that meet at the crease."""
    focal = _LENS * size[0]
    smaller = max(1, int(_DOTS_A_MM * scene.distance / focal / 1.4))
    source = paper.reduce(smaller)
    turned = _turned(scene.roll, scene.lean, scene.swing)
    flat = _onto(source, turned, middle, scene, focal, smaller, size)
    view = source.transform(size, Image.Transform.PERSPECTIVE, flat, Image.Resampling.BICUBIC, fillcolor=_TABLE)
    if scene.crease is None:
        return view
    hinged = _times(turned, _turned(0, 0, scene.crease))
    bent = _onto(source, hinged, middle, scene, focal, smaller, size)
    half = source.point([round(light * 0.72) for light in range(256)])
    side = Image.new("L", source.size)
    _, top, right, foot = (edge // smaller for edge in _cheque_on(paper))
    side.paste(255, (round(middle[0] / smaller), top, right, foot))
    over = side.transform(size, Image.Transform.PERSPECTIVE, bent, Image.Resampling.BILINEAR)
    shaded = half.transform(size, Image.Transform.PERSPECTIVE, bent, Image.Resampling.BICUBIC, fillcolor=_TABLE)
    view.paste(shaded, mask=over)
    return view


def _onto(
    source: Image.Image, turned: Matrix, middle: Point, scene: _Scene, focal: float, smaller: int, size: tuple[int, int]
) -> list[float]:
    """From a dot of the picture back to a dot of the paper, as Pillow wants it."""
    step = smaller / _DOTS_A_MM  # millimetres a dot of the reduced paper
    across = tuple(row[0] * step for row in turned)
    down = tuple(row[1] * step for row in turned)
    x, y = middle[0] / smaller, middle[1] / smaller
    place = (scene.aside[0], scene.aside[1], scene.distance)
    origin = tuple(p - a * x - d * y for p, a, d in zip(place, across, down, strict=True))
    rows = list(zip(across, down, origin, strict=True))
    half_wide, half_high = size[0] / 2, size[1] / 2
    forth = (
        tuple(focal * first + half_wide * last for first, last in zip(rows[0], rows[2], strict=True)),
        tuple(focal * first + half_high * last for first, last in zip(rows[1], rows[2], strict=True)),
        rows[2],
    )
    back = _inverse(forth)
    return [part / back[2][2] for row in back for part in row][:8]


def _shaken(view: Image.Image, length: float, way: float) -> Image.Image:
    """The mean of the views along the hand's way."""
    steps = max(2, round(length) + 1)
    mean = view
    for step in range(1, steps):
        far = length * step / (steps - 1)
        moved = ImageChops.offset(view, round(far * math.cos(way)), round(far * math.sin(way)))
        mean = Image.blend(mean, moved, 1 / (step + 1))
    return mean


def _turned(roll: float, lean: float, swing: float) -> Matrix:
    (cr, sr), (cl, sl), (cs, ss) = ((math.cos(math.radians(a)), math.sin(math.radians(a))) for a in (roll, lean, swing))
    about_z = ((cr, -sr, 0.0), (sr, cr, 0.0), (0.0, 0.0, 1.0))
    about_x = ((1.0, 0.0, 0.0), (0.0, cl, -sl), (0.0, sl, cl))
    about_y = ((cs, 0.0, ss), (0.0, 1.0, 0.0), (-ss, 0.0, cs))
    return _times(about_x, _times(about_z, about_y))


def _times(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    rows = [tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in columns) for row in left]
    return rows[0], rows[1], rows[2]


def _inverse(of: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = of
    whole = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(part / whole for part in row) for row in rows)
