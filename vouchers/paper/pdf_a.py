"""From a PDF of ours to PDF/A-3b (ISO 19005-3): what a public archive and an invoice platform take in.

The pages stay as they were drawn. Added are the colour space they are meant in, the description of the document
twice over (XMP and document information, which must agree) and the files that travel inside. The same input is the
same bytes: every date comes from the caller, the identifier is a hash of the content.

Every file made here passes `pdf_a_audit.audit` before it leaves. veraPDF, the reference checker, was not run: it
could not be had where this was written.
"""

import hashlib
import html
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from vouchers.paper.pdf_a_audit import audit

Relationship = Literal["Data", "Alternative", "Source", "Supplement"]

PRODUCER: Final = "vouchers"
_SRGB: Final = "sRGB IEC61966-2.1"
_XMP: Final = """<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{about}</rdf:li></rdf:Alt></dc:description>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<xmp:CreatorTool>{producer}</xmp:CreatorTool>
<xmp:CreateDate>{made_at}</xmp:CreateDate><xmp:ModifyDate>{made_at}</xmp:ModifyDate>
<xmp:MetadataDate>{made_at}</xmp:MetadataDate>
</rdf:Description>
{extension}</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


class NotArchivable(ValueError):
    """The finished file breaks a rule of PDF/A-3b, and is not handed out: a defect of ours, not of the input."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside the PDF. `name` is plain ASCII; `relationship` says what it is to the pages (ISO 19005-3, 6.8)."""

    name: str
    data: bytes
    mime: str
    relationship: Relationship
    about: str
    made_at: datetime


def as_pdf_a(
    pdf: bytes,
    *,
    title: str,
    author: str,
    about: str,
    made_at: datetime,
    attached: Sequence[Attached] = (),
    extension: bytes | None = None,
) -> bytes:
    """`pdf`, its fonts already embedded, as PDF/A-3b with the `attached` files inside.

    `extension`: rdf:Description elements to go into the XMP, with the schema they need (Factur-X brings its own).
    Instants are aware. `NotArchivable` when the result fails the audit; texts lose their control characters.
    """
    title, author, about = (_legal(text) for text in (title, author, about))
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as file:
        for page in file.pages:
            # reportlab leaves an empty transition on every page: a thing of slide shows.
            if "/Trans" in page.obj:
                del page.obj["/Trans"]
        file.Root.OutputIntents = Array([file.make_indirect(_output_intent(file))])
        file.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        _describe(file, title=title, author=author, about=about, made_at=made_at, extension=extension)
        if attached:
            _attach(file, attached)
        if "/ID" in file.trailer:
            # Else the identifier of the pages alone would stay its first half.
            del file.trailer["/ID"]
        file.save(
            out,
            deterministic_id=True,
            force_version="1.7",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
        )
    made = out.getvalue()
    if found := audit(made):
        raise NotArchivable(f"{title}: {'; '.join(found)}")
    return made


def srgb_profile() -> bytes:
    """The sRGB colour space as an ICC profile of version 2 (ICC.1:2001-04), which every archive reads.

    Written by hand: what colour libraries write carries the day and the machine. Primaries are those of
    IEC 61966-2-1 adapted to D50, the tone curve is its formula in 1 024 steps.
    """
    curve = b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *(_linear(step) for step in range(1024)))
    name = _SRGB.encode() + b"\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(8 + 3 + 67)
    tags = (
        (b"desc", described),
        (b"cprt", b"text" + bytes(4) + b"No copyright, use freely\0"),
        (b"wtpt", _xyz(0xF6D6, 0x10000, 0xD32D)),
        (b"rXYZ", _xyz(0x6FA2, 0x38F5, 0x0390)),
        (b"gXYZ", _xyz(0x6299, 0xB785, 0x18DA)),
        (b"bXYZ", _xyz(0x24A0, 0x0F84, 0xB6CF)),
        (b"rTRC", curve),
    )
    shared = ((b"gTRC", b"rTRC"), (b"bTRC", b"rTRC"))
    at = 128 + 4 + 12 * (len(tags) + len(shared))
    places: dict[bytes, tuple[int, int]] = {}
    body = b""
    for tag, content in tags:
        places[tag] = (at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    places |= {tag: places[same] for tag, same in shared}
    table = b"".join(struct.pack(">4sII", tag, *place) for tag, place in places.items())
    head = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4s8sI3I4s",
        at + len(body), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ", 2001, 4, 1, 0, 0, 0,
        b"acsp", b"", 0, b"", b"", b"", 0, 0xF6D6, 0x10000, 0xD32D, b"",
    )  # fmt: skip
    return head.ljust(128, b"\0") + struct.pack(">I", len(places)) + table + body


def _linear(step: int) -> int:
    """The light, of 65 535, of an sRGB value of `step` in 1 023 (IEC 61966-2-1, 5.2)."""
    value = step / 1023
    return int((value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4) * 65535 + 0.5)


def _xyz(x: int, y: int, z: int) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3I", x, y, z)


def _legal(text: str) -> str:
    """Without what XML cannot carry, on one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _pdf_date(at: datetime) -> String:
    return String(f"{_utc(at):D:%Y%m%d%H%M%S}+00'00'")


def _output_intent(file: Pdf) -> Dictionary:
    profile = Stream(file, srgb_profile(), N=3, Alternate=Name.DeviceRGB)
    return Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFA1,
        OutputConditionIdentifier=String(_SRGB),
        RegistryName=String("http://www.color.org"),
        Info=String(_SRGB),
        DestOutputProfile=file.make_indirect(profile),
    )


def _describe(file: Pdf, *, title: str, author: str, about: str, made_at: datetime, extension: bytes | None) -> None:
    """The same facts in XMP and in the document information."""
    texts = {"title": title, "author": author, "about": about, "producer": PRODUCER}
    xmp = _XMP.format(
        **{name: html.escape(text, quote=False) for name, text in texts.items()},
        made_at=f"{_utc(made_at):%Y-%m-%dT%H:%M:%S}+00:00",
        extension=extension.decode() if extension else "",
    )
    file.Root.Metadata = file.make_indirect(Stream(file, xmp.encode(), Type=Name.Metadata, Subtype=Name.XML))
    at = _pdf_date(made_at)
    file.trailer.Info = file.make_indirect(
        Dictionary(
            Title=String(title),
            Author=String(author),
            Subject=String(about),
            Creator=String(PRODUCER),
            Producer=String(PRODUCER),
            CreationDate=at,
            ModDate=at,
        )
    )


def attachments(pdf: bytes) -> dict[str, bytes]:
    """The files inside a PDF, by their names."""
    with Pdf.open(io.BytesIO(pdf)) as file:
        return {name: file.attachments[name].get_file().read_bytes() for name in file.attachments}


def _attach(file: Pdf, attached: Sequence[Attached]) -> None:
    """Every file belongs to the whole document (/AF) and is listed by name (/EmbeddedFiles), names in their order."""
    named = []
    for one in sorted(attached, key=lambda each: each.name):
        at = _pdf_date(one.made_at)
        digest = hashlib.md5(one.data, usedforsecurity=False).digest()
        inside = Stream(
            file,
            one.data,
            Type=Name.EmbeddedFile,
            Subtype=Name(f"/{one.mime}"),
            Params=Dictionary(Size=len(one.data), CreationDate=at, ModDate=at, CheckSum=String(digest)),
        )
        held = file.make_indirect(inside)
        spec = Dictionary(
            Type=Name.Filespec,
            F=String(one.name),
            UF=String(one.name),
            Desc=String(_legal(one.about)),
            AFRelationship=Name(f"/{one.relationship}"),
            EF=Dictionary(F=held, UF=held),
        )
        named.append((one.name, file.make_indirect(spec)))
    file.Root.AF = Array([spec for _, spec in named])
    names = Array([part for name, spec in named for part in (String(name), spec)])
    file.Root.Names = file.Root.get("/Names", Dictionary())
    file.Root.Names.EmbeddedFiles = Dictionary(Names=names)
