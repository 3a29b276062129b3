"""PDF/A-3b: what we make passes the audit, what is not PDF/A or was tampered with does not."""

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image, ImageCms
from reportlab.pdfgen.canvas import Canvas

from vouchers.paper.page import LEFT, Pages
from vouchers.paper.pdf_a import Attached, NotArchivable, as_pdf_a, srgb_profile
from vouchers.paper.pdf_a_audit import audit

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def a_page() -> bytes:
    out = io.BytesIO()
    pages = Pages(out, title="Dossier", author="CCI", subject="Essai")
    pages.text(LEFT, 700, "Chèques cadeaux, Œuvre & Fils")
    pages.turn()
    pages.close()
    return out.getvalue()


def archived(*attached: Attached, title: str = "Dossier de clôture") -> bytes:
    return as_pdf_a(a_page(), title=title, author="CCI <Ouest>", about="Essai & preuve", made_at=AT, attached=attached)


def a_file(name: str = "journal.csv", data: bytes = b"a;b\r\n") -> Attached:
    return Attached(name, data, "text/csv", "Data", "Le journal", AT)


def tampered(tamper: Callable[[Pdf], object]) -> list[str]:
    """What the audit says of our file after a change."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(archived(a_file()))) as file:
        tamper(file)
        file.save(out)
    return audit(out.getvalue())


def test_our_pages_become_an_archive_file_with_their_files_inside() -> None:
    made = archived(a_file("b.csv"), a_file("a.csv", b"1;2\r\n"))
    assert audit(made) == []
    with pikepdf.open(io.BytesIO(made)) as file:
        assert {name: one.get_file().read_bytes() for name, one in file.attachments.items()} == {
            "a.csv": b"1;2\r\n",
            "b.csv": b"a;b\r\n",
        }
        assert [str(spec.AFRelationship) for spec in file.Root.AF] == ["/Data", "/Data"]
        assert str(file.Root.Names.EmbeddedFiles.Names[1].EF.F.Subtype) == "/text/csv"
        with file.open_metadata() as said:
            assert (said["pdfaid:part"], said["pdfaid:conformance"]) == ("3", "B")
            assert said["dc:title"] == "Dossier de clôture" == str(file.docinfo.Title)
            assert said["dc:creator"] == ["CCI <Ouest>"]


def test_the_same_pages_and_files_are_the_same_bytes_and_others_are_not() -> None:
    assert archived(a_file()) == archived(a_file())
    first, second = archived(a_file()), archived(a_file(data=b"other"))
    with pikepdf.open(io.BytesIO(first)) as one, pikepdf.open(io.BytesIO(second)) as two:
        assert bytes(one.trailer.ID[0]) != bytes(two.trailer.ID[0])


def test_a_title_with_control_characters_and_markup_is_said_alike_in_both_places() -> None:
    assert audit(archived(title="Lot\x00 1\n<b>&amp;</b> 🎄")) == []


def test_a_page_in_a_font_that_is_not_embedded_is_never_handed_out() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 700, "Helvetica")
    canvas.save()
    found = audit(out.getvalue())
    assert any(fault.startswith("6.2.11.4.1: /Helvetica is not embedded") for fault in found)
    assert any(fault.startswith("6.2.3") for fault in found) and any(fault.startswith("6.6.2") for fault in found)
    with pytest.raises(NotArchivable, match="Helvetica"):
        as_pdf_a(out.getvalue(), title="t", author="a", about="b", made_at=AT)


def _drop_intent(file: Pdf) -> None:
    del file.Root.OutputIntents


def _drop_metadata(file: Pdf) -> None:
    del file.Root.Metadata


def _other_title(file: Pdf) -> None:
    file.docinfo.Title = String("Autre")


def _no_relationship(file: Pdf) -> None:
    del file.Root.AF[0].AFRelationship


def _not_associated(file: Pdf) -> None:
    del file.Root.AF


def _script(file: Pdf) -> None:
    file.Root.OpenAction = Dictionary(Type=Name.Action, S=Name.JavaScript, JS=String("app.alert(1)"))


def _launch(file: Pdf) -> None:
    file.Root.OpenAction = Dictionary(S=Name.Launch, F=String("calc.exe"))


def _form(file: Pdf) -> None:
    file.Root.AcroForm = Dictionary(XFA=String("x"), Fields=Array())


def _note(file: Pdf) -> None:
    note = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([0, 0, 9, 9]), Contents=String("lu"))
    file.pages[0].obj.Annots = Array([file.make_indirect(note)])


def _no_font(file: Pdf) -> None:
    for font in file.pages[0].Resources.Font.values():
        if "/FontDescriptor" in font:
            del font.FontDescriptor["/FontFile2"]


def _no_characters(file: Pdf) -> None:
    for font in file.pages[0].Resources.Font.values():
        if "/ToUnicode" in font:
            del font["/ToUnicode"]


def _ink(file: Pdf) -> None:
    file.pages[0].contents_add(Stream(file, b"0 0 0 1 k 0 0 9 9 re f"))


def _invented(file: Pdf) -> None:
    file.pages[0].contents_add(Stream(file, b"1 2 zz"))


def _form_in_ink(file: Pdf) -> None:
    file.Root.Hidden = file.make_indirect(Stream(file, b"0 1 0 0 K", Type=Name.XObject, Subtype=Name.Form))


def _smoothed(file: Pdf) -> None:
    file.Root.Hidden = file.make_indirect(Stream(file, b"0", Subtype=Name.Image, Interpolate=True))


def _outside(file: Pdf) -> None:
    file.Root.Hidden = file.make_indirect(Stream(file, b"", F=String("http://example.org/x")))


def _transfer(file: Pdf) -> None:
    file.Root.Hidden = file.make_indirect(Dictionary(Type=Name.ExtGState, TR=Name.Identity))


@pytest.mark.parametrize(
    ("tamper", "clause"),
    [
        (_drop_intent, "6.2.3"),
        (_drop_metadata, "6.6.2"),
        (_other_title, "6.6.3"),
        (_no_relationship, "6.8"),
        (_not_associated, "6.8"),
        (_script, "6.5.1"),
        (_launch, "6.5.1"),
        (_form, "6.4.2"),
        (_note, "6.3.3"),
        (_no_font, "6.2.11.4.1"),
        (_no_characters, "6.2.11.7"),
        (_ink, "6.2.4.3"),
        (_invented, "6.2.2"),
        (_form_in_ink, "6.2.4.3"),
        (_smoothed, "6.2.8"),
        (_outside, "6.1.7.1"),
        (_transfer, "6.2.5"),
    ],
)
def test_the_audit_names_the_clause_that_a_changed_file_breaks(tamper: Callable[[Pdf], object], clause: str) -> None:
    assert tampered(lambda _: None) == []
    assert [fault for fault in tampered(tamper) if fault.startswith(f"{clause}:")], tampered(tamper)


def test_an_encrypted_file_and_what_is_no_pdf_are_named_as_such() -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(archived())) as file:
        file.save(out, encryption=pikepdf.Encryption(owner="o", user=""))
    assert any("encrypted" in fault for fault in audit(out.getvalue()))
    assert audit(b"not a PDF")[0].startswith("6.1: not a readable PDF")
    assert any(fault.startswith("6.1.2") for fault in audit(b"\n" + archived()))


def test_the_colour_profile_written_by_hand_is_srgb_to_the_last_step() -> None:
    ours = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    colours = Image.frombytes("RGB", (64, 64), bytes(step * 85 % 256 for step in range(64 * 64 * 3)))
    through = ImageCms.profileToProfile(colours, ours, ImageCms.createProfile("sRGB"))
    assert through is not None
    assert max(abs(one - two) for one, two in zip(colours.tobytes(), through.tobytes(), strict=True)) <= 1
