"""What the till's camera path reads of our printed vouchers, and that it never reads what is not there.

Real Chromium, the built decoder in its worker, served by the real application under its own policy; the pictures are
cut as the till cuts them. The share read is written to `var/read_rates.txt`, and on the terminal where one is there.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from playwright.sync_api import expect

from bench.print_sheets import TEXT, batch
from tests.phone import ANSWERED_MS, CHECKOUT, SHOWN_AGAIN_MS, OpenPhone, Stall, needs_chromium
from tests.pictures import KINDS, LEVELS, SIZES, Picture, pictures, pictures_of_nothing_of_ours
from vouchers import clock, codes
from vouchers.api.app import TILL_FILES
from vouchers.paper.voucher_sheet import CHEQUES_A_PAGE, write_sheets

pytestmark = needs_chromium

EACH: Final = 4
REFUSED: Final = """
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"));
"""
READ: Final = """async ([decoder, jpeg]) => {
  window.decoder ??= new Promise((ready) => {
    const worker = new Worker(decoder);
    worker.onmessage = ({ data }) => ready(data.works && worker);
  });
  const worker = await window.decoder;
  const bytes = Uint8Array.from(atob(jpeg), (char) => char.charCodeAt(0));
  const whole = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const side = Math.floor(Math.min(whole.width, whole.height) * 0.9);
  const left = Math.floor((whole.width - side) / 2), top = Math.floor((whole.height - side) / 2);
  const bitmap = await createImageBitmap(whole, left, top, side, side);
  return new Promise((read) => {
    worker.onmessage = ({ data }) => read(data.text);
    worker.postMessage({ id: 1, bitmap }, [bitmap]);
  });
}"""


def test_vouchers_are_read_in_bad_light_from_afar_and_worn_and_nothing_is_ever_read_wrong(
    stall: Stall, open_phone: OpenPhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Zero wrong texts; of usual days, in HD, nearly all."""
    page = open_phone().page
    page.goto(f"{stall.server.address}/till/")
    decoder = next(path.name for path in TILL_FILES.glob("decoder-*.js"))
    sheet = tmp_path / "sheet.pdf"
    cheques = list(batch(CHEQUES_A_PAGE))  # of a fixed seed, as the pictures are
    write_sheets(sheet, text=TEXT, cheques=cheques)
    texts = [codes.qr_text(TEXT.host, cheque.code) for cheque in cheques]
    read: dict[tuple[str, int, str], list[bool]] = defaultdict(list)
    wrong: list[tuple[str, int, str, str]] = []

    def look_at(these: Iterable[Picture], *, ours: bool) -> None:
        for picture in these:
            text = page.evaluate(READ, [decoder, base64.b64encode(picture.jpeg).decode()])
            if text not in (None, picture.text):
                wrong.append((picture.kind, picture.level, picture.size, text))
            if ours:
                read[picture.kind, picture.level, picture.size].append(text == picture.text)

    look_at(pictures(sheet, texts, each=EACH), ours=True)
    look_at(pictures_of_nothing_of_ours(sheet, texts), ours=False)
    table = _table(read)
    (CHECKOUT / "var").mkdir(exist_ok=True)
    (CHECKOUT / "var" / "read_rates.txt").write_text(table)
    with capsys.disabled():
        print(f"\n{table}")
    assert not wrong
    usual = [hit for (_, level, size), hits in read.items() if (level, size) == (1, "HD") for hit in hits]
    assert sum(usual) >= 0.95 * len(usual)


def _table(read: dict[tuple[str, int, str], list[bool]]) -> str:
    """Pictures read, by kind, size and level."""
    heads = [f"{size} {level}" for size in SIZES for level in LEVELS]
    lines = [f"{'read, of ' + str(EACH):12}" + "".join(f"{head:>7}" for head in heads)]
    for kind in KINDS:
        hits = [sum(read[kind, level, size]) for size in SIZES for level in LEVELS]
        lines.append(f"{kind:12}" + "".join(f"{hit:>7}" for hit in hits))
    shares = []
    for size in SIZES:
        for level in LEVELS:
            of_all = [hit for kind in KINDS for hit in read[kind, level, size]]
            shares.append(f"{sum(of_all) / len(of_all):>7.0%}")
    lines.append(f"{'all':12}" + "".join(shares))
    return "\n".join(lines) + "\n"


def test_the_next_voucher_wipes_away_the_error_on_the_one_before_and_a_menu_does_not(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """A voucher used already comes first before the camera, then a good one; nobody touches the screen."""
    phone = open_phone(stall.market.film_of(1, 2))
    page = phone.page
    stall.town.spend(1, shop=1, at=clock.now())
    phone.pair(stall.pairing_code())
    expect(phone.verdict("refused")).to_be_visible(timeout=SHOWN_AGAIN_MS)
    phone.shown("https://menu.example.com/table/12")
    expect(page.get_by_test_id("verdict-reason")).to_have_text("Déjà utilisé")
    expect(page.get_by_test_id("voucher-serial")).to_have_text("N°\u00a00000002", timeout=SHOWN_AGAIN_MS)
    phone.kept_to_itself()


def test_a_phone_without_a_camera_reads_a_photo_and_one_that_cannot_read_says_so(
    stall: Stall, open_phone: OpenPhone, tmp_path: Path
) -> None:
    """The camera is refused; then a browser where the decoder cannot be had."""
    phone = open_phone()
    page = phone.page
    page.add_init_script(REFUSED)
    phone.pair(stall.pairing_code())
    expect(page.get_by_test_id("take-photo")).to_be_visible(timeout=ANSWERED_MS)
    empty = tmp_path / "table.jpg"
    Image.new("RGB", (4000, 3000), (104, 84, 66)).save(empty)
    page.get_by_test_id("photo-file").set_input_files(empty)
    expect(page.get_by_test_id("viewfinder")).to_contain_text("Pas de QR lisible", timeout=ANSWERED_MS)
    page.get_by_test_id("photo-file").set_input_files(stall.market.photo_of(3))
    expect(page.get_by_test_id("voucher-serial")).to_have_text("N°\u00a00000003", timeout=ANSWERED_MS)

    blind = open_phone()
    blind.context.route("**/*.wasm", lambda route: route.abort())
    blind.pair(stall.pairing_code())
    expect(blind.page.get_by_test_id("viewfinder")).to_contain_text("ne sait pas lire les QR", timeout=ANSWERED_MS)
    blind.type_in(*stall.market.printed(1))
