"""Letters with vouchers as they leave, read back from the finished PDF; the labels and the mail house's file."""

import io
import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from tests.paper.test_voucher_sheet import TEXT, _Nowhere, cheques, words
from vouchers import letter_words
from vouchers.errors import BadInput
from vouchers.paper import labels, logo, mailing
from vouchers.paper.letter import (
    MOST_NEAR,
    Letter,
    LetterPaper,
    Near,
    check_letters,
    plan,
    specimen_picture,
    write_letters,
)
from vouchers.paper.voucher_sheet import SheetMismatch
from vouchers.paper.window import frame_page

SHOPS = tuple(Near(f"Commerce {number}", "boulangerie", f"{number} rue du Quai") for number in range(1, 40))
PAPER = LetterPaper(
    sheet=TEXT,
    sender="Commune de Saint-Brice-sur-Charente",
    sender_address=("Mairie", "1 place de la République", "16100 Saint-Brice"),
    place="Saint-Brice",
    written_on=date(2026, 12, 1),
    text="",
    signatory="Le maire, Claude Martin",
    how_to="Donnez le chèque à la caisse, comme un billet. Il n’est pas rendu de monnaie.",
    together="stapled",
)
HOSTILE = "Ab) Tj ET Q (\\ <script> \u202e\x00 北京 🎁 Łódź Иванов " + "X" * 90


def letter(reference: str, count: int, **how: Any) -> Letter:
    told = {"civilite": "Madame", "prenom": "Jeanne", "nom": "Lefèvre"}
    address = ("Mme Jeanne Lefèvre-Œuvray", "Appt 3", "12 RUE DU QUAI", "16100 SAINT BRICE")
    return replace(Letter(reference, address, told, tuple(cheques(count)), SHOPS[:12]), **how)


def shape(paper: LetterPaper, one: Letter) -> list[tuple[bool, int, bool]]:
    return [(leaf.written, len(leaf.cheques), leaf.near) for leaf in plan(paper, one)]


def printed(paper: LetterPaper, letters: list[Letter], pdf: Path) -> list[str]:
    """The words of each page of the checked file."""
    written = write_letters(pdf, paper=paper, letters=letters)
    assert check_letters(pdf, paper=paper, letters=letters) == written.cheques
    with pypdfium2.PdfDocument(pdf) as document:
        said = [page.get_textpage().get_text_range().replace("\N{NO-BREAK SPACE}", " ") for page in document]
    assert len(said) == written.pages
    return said


def test_vouchers_stand_under_the_letter_or_behind_it_and_shops_where_there_is_room() -> None:
    sheet = replace(PAPER, together="sheet")
    assert shape(PAPER, letter("1", 4)) == [(True, 0, True), (False, 3, False), (False, 1, False)]
    assert shape(sheet, letter("1", 4)) == [(True, 1, False), (False, 3, False), (False, 0, True)]
    assert shape(sheet, letter("1", 4, near=())) == [(True, 1, False), (False, 3, False)]
    assert shape(sheet, letter("1", 5)) == [(True, 1, False), (False, 3, False), (False, 1, True)]
    assert shape(sheet, letter("1", 1)) == [(True, 1, False), (False, 0, True)]
    # A longer text leaves no room beneath it: it is not made smaller, what follows goes behind it.
    long = "Bonjour.\n" * 12
    assert shape(replace(sheet, text=long), letter("1", 3)) == [(True, 0, False), (False, 3, False), (False, 0, True)]
    with pytest.raises(BadInput) as refused:
        plan(replace(sheet, text="Bonjour.\n" * 40), letter("1", 3))
    assert refused.value.data["problem"] == "longer_than_a_page"
    # Nobody's vouchers have no letter, and name no shops.
    assert shape(sheet, letter("1", 4, address=())) == [(False, 3, False), (False, 1, False)]


def test_a_long_paragraph_is_printed_whole(tmp_path: Path) -> None:
    text = " ".join(f"mot{number}" for number in range(130))
    (first, *_rest) = printed(replace(PAPER, text=text), [letter("1", 1)], tmp_path / "letters.pdf")
    assert [word for word in first.split() if word.startswith("mot")] == text.split()


def test_each_page_holds_the_vouchers_of_one_person_and_says_whose_they_are(tmp_path: Path) -> None:
    ours, others = letter("12", 4), letter("13", 2)
    said = printed(PAPER, [ours, others], tmp_path / "letters.pdf")
    assert [page.split()[-3:] for page in said] == [
        ["12", "·", "1/3"], ["12", "·", "2/3"], ["12", "·", "3/3"], ["13", "·", "1/2"], ["13", "·", "2/2"],
    ]  # fmt: skip
    for sentence in (
        "Saint-Brice, le 1er décembre 2026",
        "12 RUE DU QUAI",
        "Madame,",
        "vous offrir 4 chèques cadeaux",
        "52,50 €",
        "jusqu’au 30 juin 2027 inclus",
        "Le maire, Claude Martin",
        "Commerce 8",
        "Tous les commerces : cheques.example.fr/commerces",
    ):
        assert sentence in said[0]
    assert "N° 00042" not in said[0] and "Commerce 9" not in said[0]


@pytest.mark.parametrize(
    ("change", "page"),
    [
        pytest.param(lambda one, two: [two, one], 2, id="two people in each other's place"),
        pytest.param(lambda one, two: [one], 4, id="one person missing"),
        pytest.param(lambda one, two: [one, two, two], 6, id="one person twice"),
        pytest.param(lambda one, two: [replace(one, cheques=one.cheques[::-1]), two], 2, id="out of order"),
        pytest.param(
            lambda one, two: [
                replace(one, cheques=one.cheques[:3]),
                replace(two, cheques=(one.cheques[3], *two.cheques)),
            ],
            3,
            id="one voucher in a neighbour's envelope",
        ),
    ],
)
def test_a_voucher_on_the_page_of_another_person_stops_the_release(tmp_path: Path, change: Any, page: int) -> None:
    one, two = letter("12", 4), letter("13", 2)
    pdf = tmp_path / "letters.pdf"
    write_letters(pdf, paper=PAPER, letters=change(one, two))
    with pytest.raises(SheetMismatch) as alarm:
        check_letters(pdf, paper=PAPER, letters=[one, two])
    assert alarm.value.page == page


def test_nothing_but_the_address_stands_in_the_window(tmp_path: Path) -> None:
    pdf, dots = tmp_path / "letters.pdf", 4
    full = ("Mme Jeanne Lefèvre", "Appt 3", "Bât. C", "W" * 38, "HAMEAU DE LA COUR", "16100 " + "W" * 32)
    write_letters(pdf, paper=PAPER, letters=[letter("1", 1, address=full)])
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].render(scale=dots * 25.4 / 72, grayscale=True).to_pil()
    frame = (110 * dots, 55 * dots, 195 * dots, 88 * dots)
    inside = page.crop((frame[0] + 6, frame[1] + 6, frame[2] - 6, frame[3] - 6))
    assert inside.getextrema()[0] < 60
    ImageDraw.Draw(page).rectangle(frame, fill=255)
    # An envelope moves its letter by some millimetres: around the frame all is white.
    around = page.crop((frame[0] - 5 * dots, frame[1] - 5 * dots, frame[2] + 8 * dots, frame[3] + 5 * dots))
    assert around.getextrema() == (255, 255)


def test_no_fold_of_a_sheet_folded_in_three_runs_through_a_code(tmp_path: Path) -> None:
    pdf, dots = tmp_path / "letters.pdf", 4
    write_letters(pdf, paper=replace(PAPER, together="sheet"), letters=[letter("1", 4)])
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [document[at].render(scale=dots * 25.4 / 72, grayscale=True).to_pil() for at in (0, 1)]
    for page, fold in itertools.product(pages, (99, 198)):
        # The columns of the codes, 136 to 166 mm into a cheque that stands 17.5 mm in.
        strip = page.crop((153 * dots, (fold - 2) * dots, 184 * dots, (fold + 2) * dots))
        assert sum(1 for dot in strip.tobytes() if dot < 100) < 200, fold


@pytest.mark.parametrize("together", ["sheet", "stapled"])
def test_hostile_and_foreign_names_stay_in_their_place_and_harm_nothing(tmp_path: Path, together: Any) -> None:
    said = {"civilite": HOSTILE, "prenom": HOSTILE, "nom": HOSTILE}
    paper = replace(PAPER, sender=HOSTILE, place=HOSTILE, signatory=HOSTILE, how_to=HOSTILE, together=together)
    near = (Near(HOSTILE, HOSTILE, HOSTILE), Near("", "", ""))
    one = letter(HOSTILE, 5, address=(HOSTILE,) * 6, said=said, near=near)
    pages = printed(replace(paper, text="{civilite} {nom}"), [one], tmp_path / "letters.pdf")
    assert "Łódź" in pages[0] and "Иванов" in pages[0] and "北" not in pages[0]
    with pikepdf.open(tmp_path / "letters.pdf") as document:
        assert document.check_pdf_syntax() == []
        for _, font in document.pages[0].resources.Font.items():
            assert "FontFile2" in str(font.FontDescriptor.keys())


def test_the_same_letters_give_the_same_bytes_and_none_is_an_error_of_the_caller(tmp_path: Path) -> None:
    letters, again = [letter("12", 4), letter("13", 1)], io.BytesIO()
    write_letters(tmp_path / "letters.pdf", paper=PAPER, letters=letters)
    write_letters(again, paper=PAPER, letters=iter(letters))
    assert (tmp_path / "letters.pdf").read_bytes() == again.getvalue()
    with pytest.raises(ValueError, match="no letter"):
        write_letters(io.BytesIO(), paper=PAPER, letters=[])


def test_ten_times_the_letters_take_no_more_memory() -> None:
    kept = tuple(cheques(4))

    def endless(count: int) -> Iterator[Letter]:
        for number in range(count):
            yield letter(str(number), 1, cheques=kept, said={"civilite": f"Madame {number}"})

    def peak(count: int) -> int:
        tracemalloc.start()
        write_letters(_Nowhere(), paper=PAPER, letters=endless(count))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(60)  # what is kept for good (fonts, drawn runs, remembered lines) is there before the measure
    assert peak(600) < peak(60) + 500_000


def test_a_specimen_shows_the_pages_and_no_code_that_could_be_spent() -> None:
    marked = Image.new("RGB", (300, 200), "#0B4F6C")
    drawn = io.BytesIO()
    marked.save(drawn, format="PNG")
    paper = replace(PAPER, sheet=replace(TEXT, logo=logo.small(drawn.getvalue())), together="sheet")
    shown = specimen_picture(paper, letter("12", 4))
    with Image.open(io.BytesIO(shown)) as picture:
        assert picture.width > 3 * 490
    assert specimen_picture(paper, letter("12", 4)) == shown, "whatever the codes are"


# ── The programme's text ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_text_takes_the_words_of_a_closed_list_and_no_brace_is_left_over() -> None:
    said = dict.fromkeys(letter_words.WORDS, "x")
    assert letter_words.refusal("".join(f"{{{word}}}" for word in letter_words.WORDS)) is None
    for bad in ("{montan}", "{", "a } b", "{{nom}}", "{}", "x" * 5_000):
        refused = letter_words.refusal(bad)
        assert refused is not None and refused.text("fr") != refused.text("en")
    assert letter_words.paragraphs("{nom} {prenom},\n\n  a   b\n", {"nom": "Zoé"}) == ["Zoé,", "a b"]
    assert all("{" not in line for line in letter_words.paragraphs("", said))
    summed = [" ".join(letter_words.paragraphs("", {"nombre": count})).count("en tout") for count in ("1", "4")]
    assert summed == [0, 1]
    assert letter_words.paragraphs("Bonnes fêtes !", {}) == ["Bonnes fêtes\N{NO-BREAK SPACE}!"]
    assert letter_words.called("M.") == "Monsieur" and letter_words.called(None) == "Madame, Monsieur"


# ── Labels, the mail house ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("form", "sheets"), [("21", 2), ("14", 3)])
def test_labels_stay_within_their_edges_and_are_the_same_each_time(tmp_path: Path, form: str, sheets: int) -> None:
    known, dots = labels.FORMATS[form], 4
    lines = ("Mme Jeanne Lefèvre", "Appt 3", "Bât. C", "W" * 38, "HAMEAU DE LA COUR", "16100 " + "W" * 32)
    people = [labels.Label(str(number), lines) for number in range(2, 32)]
    out, again = io.BytesIO(), io.BytesIO()
    assert labels.write_labels(out, form=known, labels=people, title="Étiquettes") == sheets
    labels.write_labels(again, form=known, labels=iter(people), title="Étiquettes")
    assert out.getvalue() == again.getvalue()
    (tmp_path / "labels.pdf").write_bytes(out.getvalue())
    assert words(tmp_path / "labels.pdf").count("Jeanne") == 30
    with pypdfium2.PdfDocument(out.getvalue()) as document:
        page = document[0].render(scale=dots * 25.4 / 72, grayscale=True).to_pil()
    for across, down in itertools.product(range(known.across), range(known.down)):
        left, top = known.left + across * known.step_across, known.top + down * known.step_down
        inner = tuple(int(edge * dots) for edge in (left + 2, top + 2, left + known.wide - 2, top + known.high - 2))
        assert page.crop(inner).getextrema()[0] < 90
        ImageDraw.Draw(page).rectangle(inner, fill=255)
    assert page.getextrema() == (255, 255)


def test_the_file_for_a_mail_house_is_read_by_its_columns_and_reckons_nothing() -> None:
    six = ("=Mme Łucja; «d’Été»", "", "", "12 RUE DU QUAI", "", "16100 SAINT BRICE")
    people = [mailing.Mailed("12", "Mme", six, 7, (4, 5, 6, 9))]
    made = b"".join(mailing.mailing_csv(people)).decode()
    assert made.splitlines() == [
        "ref;civilite;l1;l2;l3;l4;l5;l6;pays;lot;nb_titres;premier_no;dernier_no",
        '12;Mme;"Mme Łucja; «d’Été»";;;12 RUE DU QUAI;;16100 SAINT BRICE;FRANCE;7;4;0000004;0000009',
    ]
    narrow = b"".join(mailing.mailing_csv(people, encoding="cp1252"))
    assert "Mme Lucja; «d’Été»".encode("cp1252") in narrow
    with pytest.raises(BadInput) as refused:
        list(mailing.mailing_csv([replace(people[0], six=("Иван", *six[1:]))], encoding="cp1252"))
    assert refused.value.data["text"] == "И"
    assert len(list(mailing.mailing_csv(people * 1_200))) == 3


def test_the_page_to_try_an_envelope_with_draws_the_frame_where_the_norm_has_it() -> None:
    dots = 4
    with pypdfium2.PdfDocument(frame_page()) as document:
        page = document[0].render(scale=dots * 25.4 / 72, grayscale=True).to_pil()
    for x, y in ((110, 70), (195, 70), (150, 55), (150, 88)):
        near = page.crop((x * dots - 2, y * dots - 2, x * dots + 3, y * dots + 3))
        assert near.getextrema()[0] < 140, (x, y)
    assert MOST_NEAR > 20
