"""Vouchers to practise with: read back from the finished page, and unmistakably worth nothing."""

import pypdfium2
import zxingcpp

from vouchers.codes import code_from_text, training_text
from vouchers.paper.training_sheet import FACES, WARNING, training_sheet


def test_eight_training_vouchers_read_back_and_each_says_that_it_is_worth_nothing() -> None:
    made = training_sheet(host="cheques.example.fr")
    assert training_sheet(host="cheques.example.fr") == made, "the same page, to the byte"
    with pypdfium2.PdfDocument(made) as document:
        assert len(document) == 1
        words = document[0].get_textpage().get_text_range()
        picture = document[0].render(scale=96 / 72, grayscale=True).to_pil()
    found = sorted(zxingcpp.read_barcodes(picture), key=lambda code: int(code.text.rpartition("-")[2]))
    meant = [training_text("CHEQUES.EXAMPLE.FR", cents=cents, number=at) for at, cents in enumerate(FACES, start=1)]
    assert [code.text for code in found] == meant
    assert meant[2] == "HTTPS://CHEQUES.EXAMPLE.FR/TILL/#TRAINING-1000-3"
    assert words.count(WARNING) == len(FACES) == 8
    assert sorted(FACES) == [500] * 2 + [1_000] * 4 + [2_000] * 2
    assert not any(code_from_text(text.rpartition("#")[2]) for text in meant), "none could be a voucher's"
