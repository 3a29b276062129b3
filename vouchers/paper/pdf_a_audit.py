"""What PDF/A-3b (ISO 19005-3, conformance level B) asks of a file, read back from its bytes.

A second opinion written by hand: it shares nothing with `pdf_a`, and looks at every object of the file, not only at
those a page leads to. It covers what our files can hold; it is not veraPDF, the reference checker, which was not run.
Not looked into: the inside of font programs, of JPEG 2000 pictures and of ICC profiles beyond their header.
"""

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pikepdf
from lxml import etree
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

_HEADER: Final = re.compile(rb"%PDF-1\.[0-7]\r?\n%[\x80-\xff]{4}")
_ACTIONS: Final = frozenset({"/GoTo", "/GoToR", "/GoToE", "/Thread", "/URI", "/Named", "/SubmitForm"})
_NAMED: Final = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_RELATIONSHIPS: Final = frozenset(
    {"/Source", "/Data", "/Alternative", "/Supplement", "/EncryptedPayload", "/Unspecified"}
)
_BLENDS: Final = re.compile(
    "/(Normal|Compatible|Multiply|Screen|Overlay|Darken|Lighten|ColorDodge|ColorBurn|HardLight|SoftLight|Difference"
    "|Exclusion|Hue|Saturation|Color|Luminosity)"
)
_INTENTS: Final = frozenset({"/RelativeColorimetric", "/AbsoluteColorimetric", "/Perceptual", "/Saturation"})
_ANNOTATIONS_WITHOUT_LOOKS: Final = frozenset({"/Popup", "/Link"})
_FORBIDDEN_ANNOTATIONS: Final = frozenset({"/3D", "/Sound", "/Screen", "/Movie"})
_OPERATORS: Final = re.compile(
    r"[bBf]\*?|B[DM]C|BI|B[TX]|cm?|CS|cs|d[01]?|D[oP]|E[ITX]|EMC|F|[gG]s?|[hijJkKlmMnqQ]|ID|MP|re|RG|rg|ri"
    r"|[sS]|SCN?|scn?|sh|T[*cdDfjJLmrswz]|v|[wW]|W\*|y|'|\"|INLINE IMAGE"
)
_MOST_SAVED: Final = 28
_LONGEST_NAME: Final = 127
_LONGEST_STRING: Final = 32_767
_XMP_NAMES: Final = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
}
_AGREEING: Final = {
    "/Title": "dc:title/rdf:Alt/rdf:li",
    "/Author": "dc:creator/rdf:Seq/rdf:li",
    "/Subject": "dc:description/rdf:Alt/rdf:li",
    "/Creator": "xmp:CreatorTool",
    "/Producer": "pdf:Producer",
    "/Keywords": "pdf:Keywords",
    "/CreationDate": "xmp:CreateDate",
    "/ModDate": "xmp:ModifyDate",
}


def audit(pdf: bytes) -> list[str]:
    """Every rule that `pdf` breaks, each said once with the clause of ISO 19005-3; empty when there is none."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as file:
            return list(dict.fromkeys(_Audit(pdf, file).faults()))
    except (pikepdf.PdfError, pikepdf.PasswordError) as error:
        return [f"6.1: not a readable PDF ({error})"]


class _Audit:
    """One file; each method is one family of rules."""

    def __init__(self, pdf: bytes, file: Pdf) -> None:
        self.pdf = pdf
        self.file = file

    def faults(self) -> Iterator[str]:
        yield from self._frame()
        yield from self._intent()
        yield from self._metadata()
        yield from self._files()
        for page in self.file.pages:
            yield from self._page(page.obj)
        for found in self.file.objects:
            yield from self._walk(found)

    def _frame(self) -> Iterator[str]:
        """Header, identifier, encryption, and what the catalogue may not hold."""
        if not _HEADER.match(self.pdf):
            yield "6.1.2: no header of PDF 1.x followed by a binary comment"
        if not self.pdf.rstrip(b"\r\n").endswith(b"%%EOF"):
            yield "6.1.3: bytes after the end of the file"
        if "/ID" not in self.file.trailer:
            yield "6.1.3: no file identifier"
        if self.file.is_encrypted or "/Encrypt" in self.file.trailer:
            yield "6.1.3: encrypted"
        root = self.file.Root
        for key in ("/AA", "/Requirements", "/Perms", "/Collection"):
            if key in root:
                yield f"6: {key} in the catalogue"
        names = root.get("/Names", Dictionary())
        for key in ("/JavaScript", "/AlternatePresentations"):
            if key in names:
                yield f"6.5.1: {key} in the names"
        form = root.get("/AcroForm", Dictionary())
        if "/XFA" in form or root.get("/NeedsRendering", False):
            yield "6.4.2: an XFA form"
        if form.get("/NeedAppearances", False):
            yield "6.4.1: a form whose looks are left to the reader"

    def _intent(self) -> Iterator[str]:
        intents = [one for one in self.file.Root.get("/OutputIntents", Array()) if one.get("/S") == Name.GTS_PDFA1]
        if len(intents) != 1:
            yield "6.2.3: not exactly one output intent GTS_PDFA1"
            return
        profile = intents[0].get("/DestOutputProfile")
        if not isinstance(profile, Stream):
            yield "6.2.3: the output intent has no colour profile"
            return
        icc = profile.read_bytes()
        size = int.from_bytes(icc[:4], "big")
        if size != len(icc) or icc[36:40] != b"acsp" or icc[12:16] not in {b"mntr", b"prtr"} or icc[8] not in {2, 4}:
            yield "6.2.3: not an ICC profile of a screen or a printer, version 2 or 4"
        if icc[16:20] != b"RGB " or profile.get("/N") != 3:
            yield "6.2.3: the colour profile is not RGB with three components"

    def _metadata(self) -> Iterator[str]:
        """XMP says part 3, level B; every fact of the document information is said by it too, alike."""
        held = self.file.Root.get("/Metadata")
        if not isinstance(held, Stream) or held.get("/Subtype") != Name.XML or "/Filter" in held:
            yield "6.6.2: no plain metadata stream"
            return
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
            xmp = etree.fromstring(held.read_bytes().strip(), parser)
        except etree.XMLSyntaxError as error:
            yield f"6.6.2: the metadata is no XML ({error})"
            return
        if (self._said(xmp, "pdfaid:part"), self._said(xmp, "pdfaid:conformance")) != ("3", "B"):
            yield "6.6.4: the metadata does not say PDF/A-3, level B"
        known = set(_XMP_NAMES.values())
        known |= {one.text or "" for one in xmp.iterfind(".//pdfaSchema:namespaceURI", _XMP_NAMES)}
        for element in xmp.iterfind(".//rdf:Description/*", _XMP_NAMES):
            if (space := etree.QName(element).namespace) not in known:
                yield f"6.6.2.3: {space} is used and not described"
        for key, value in self.file.trailer.get("/Info", Dictionary()).items():
            path = _AGREEING.get(key)
            if path and not _alike(str(value), self._said(xmp, path)):
                yield f"6.6.3: {key} is not what the metadata says"

    @staticmethod
    def _said(xmp: Any, path: str) -> str | None:
        found = xmp.find(f".//rdf:Description/{path}", _XMP_NAMES)
        return None if found is None else found.text or ""

    def _files(self) -> Iterator[str]:
        """Every file inside says its kind and what it is to the document, and belongs to the document."""
        names = self.file.Root.get("/Names", Dictionary()).get("/EmbeddedFiles")
        specs = list(pikepdf.NameTree(names).values()) if names is not None else []
        associated = {spec.objgen for spec in self.file.Root.get("/AF", Array())}
        for spec in specs:
            if spec.objgen not in associated:
                yield "6.8: a file inside is not associated (/AF) with the document"
        if len(associated) > len(specs):
            yield "6.8: an associated file is not listed among the files inside"

    def _page(self, page: Object) -> Iterator[str]:
        if "/PresSteps" in page:
            yield "6.10: presentation steps"
        box = [float(side) for side in pikepdf.Page(page).mediabox]
        if not all(3 <= side <= 14_400 for side in (box[2] - box[0], box[3] - box[1])):
            yield "6.1.13: a page is too small or too large"
        yield from self._content(page)
        for annotation in page.get("/Annots", Array()):
            yield from _annotation(annotation)

    def _content(self, content: Object) -> Iterator[str]:
        """The drawing itself: known operators, colours that the output intent covers."""
        depth = 0
        try:
            instructions = pikepdf.parse_content_stream(content)
        except pikepdf.PdfParsingError as error:
            yield f"6.2.2: a page cannot be read ({error})"
            return
        for instruction in instructions:
            operator, operands = str(instruction.operator), list(instruction.operands)
            depth += {"q": 1, "Q": -1}.get(operator, 0)
            if depth > _MOST_SAVED:
                yield "6.1.13: graphics states saved too deep"
            if not _OPERATORS.fullmatch(operator):
                yield f"6.2.2: unknown operator {operator}"
            if operator in {"k", "K"} or (operator in {"cs", "CS"} and operands[0] == Name.DeviceCMYK):
                yield "6.2.4.3: DeviceCMYK without a profile"
            if operator == "ri" and str(operands[0]) not in _INTENTS:
                yield "6.2.6: unknown rendering intent"

    def _walk(self, found: Object) -> Iterator[str]:
        """One indirect object and all that is directly in it."""
        waiting = [found]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Array):
                if len(one) and one[0] == Name.Separation and Name.DeviceCMYK in list(one):
                    yield "6.2.4.4: a spot colour over DeviceCMYK"
                waiting += [item for item in one if _inside(item)]
            elif isinstance(one, (Dictionary, Stream)):
                yield from self._held(one)
                waiting += [value for _, value in one.items() if _inside(value)]
                texts = [value for _, value in one.items() if isinstance(value, pikepdf.String)]
                if any(len(bytes(text)) > _LONGEST_STRING for text in texts):
                    yield "6.1.13: a string is too long"

    def _held(self, one: Dictionary | Stream) -> Iterator[str]:
        kind, subtype, action = one.get("/Type"), one.get("/Subtype"), one.get("/S")
        if isinstance(one, Stream):
            yield from _stream(one)
        if any(len(key) > _LONGEST_NAME for key in one.keys()):  # noqa: SIM118 a pikepdf dictionary is not iterable
            yield "6.1.13: a name is too long"
        if kind == Name.Font:
            yield from _font(one)
        if kind == Name.Filespec or "/EF" in one:
            yield from _filespec(one)
        if kind == Name.Action or "/JS" in one or action in (Name.JavaScript, Name.Launch):
            yield from _action(one)
        if "/AA" in one:
            yield "6.5.2: additional actions"
        if subtype == Name.Form and isinstance(one, Stream):
            if "/Ref" in one or "/PS" in one or "/OPI" in one:
                yield "6.2.9: a form that leans on something outside"
            yield from self._content(one)
        if subtype == Name.PS:
            yield "6.2.9: a PostScript drawing"
        if subtype == Name.Image:
            yield from _image(one)
        if kind == Name.ExtGState or "/BM" in one:
            yield from _state(one)
        if one.get("/ColorSpace") == Name.DeviceCMYK or one.get("/CS") == Name.DeviceCMYK:
            yield "6.2.4.3: DeviceCMYK without a profile"


def _inside(value: object) -> bool:
    """Whether to look into `value` here: what is indirect is looked at when its own turn comes."""
    return isinstance(value, (Array, Dictionary)) and not value.is_indirect


def _stream(one: Stream) -> Iterator[str]:
    if any(key in one for key in ("/F", "/FFilter", "/FDecodeParms")):
        yield "6.1.7.1: a stream kept outside the file"
    filters = one.get("/Filter", Array())
    for name in filters if isinstance(filters, Array) else [filters]:
        if name in (Name.LZWDecode, Name.LZW):
            yield "6.1.7.2: LZW compression"
        elif name == Name.Crypt:
            yield "6.1.7.2: a stream encrypted by itself"


def _font(font: Dictionary | Stream) -> Iterator[str]:
    """Embedded, with the widths and the way from code to glyph that its kind needs, and from code to character.

    A table to characters (ToUnicode) is not asked for at level B: asked for by us, since papers are searched.
    """
    name, kind = str(font.get("/BaseFont", "/?")), font.get("/Subtype")
    if kind in (Name.CIDFontType0, Name.CIDFontType2):
        yield from _embedded(font, name)
        if kind == Name.CIDFontType2 and not (
            isinstance(way := font.get("/CIDToGIDMap"), Stream) or way == Name.Identity
        ):
            yield f"6.2.11.3.2: {name} has no CIDToGIDMap"
        return
    if kind != Name.Type3 and "/ToUnicode" not in font:
        yield f"6.2.11.7: {name} has no ToUnicode"
    if kind == Name.Type0:
        encoding = font.get("/Encoding")
        if not isinstance(encoding, Stream) and encoding not in (Name("/Identity-H"), Name("/Identity-V")):
            yield f"6.2.11.3.3: {name} has an encoding that is not embedded"
        return
    if kind == Name.Type3:
        return
    yield from _embedded(font, name)
    first, last, widths = font.get("/FirstChar"), font.get("/LastChar"), font.get("/Widths")
    if first is None or last is None or widths is None or len(widths) != last - first + 1:
        yield f"6.2.11.2: {name} has no complete widths"
    if kind == Name.TrueType:
        symbolic = bool(int(font.get("/FontDescriptor", Dictionary()).get("/Flags", 0)) & 4)
        encoding = font.get("/Encoding")
        base = encoding.get("/BaseEncoding") if isinstance(encoding, Dictionary) else encoding
        if symbolic == (base in (Name.WinAnsiEncoding, Name.MacRomanEncoding)):
            yield f"6.2.11.6: {name} is symbolic with an encoding, or not symbolic without one"


def _embedded(font: Dictionary | Stream, name: str) -> Iterator[str]:
    held = font.get("/FontDescriptor", Dictionary())
    if not any(isinstance(held.get(key), Stream) for key in ("/FontFile", "/FontFile2", "/FontFile3")):
        yield f"6.2.11.4.1: {name} is not embedded"


def _filespec(spec: Dictionary | Stream) -> Iterator[str]:
    name = str(spec.get("/UF", spec.get("/F", "?")))
    if "/F" not in spec or "/UF" not in spec:
        yield f"6.8: {name} has no /F and /UF"
    if str(spec.get("/AFRelationship")) not in _RELATIONSHIPS:
        yield f"6.8: {name} does not say its relationship"
    held = spec.get("/EF", Dictionary()).get("/F")
    if not isinstance(held, Stream):
        yield f"6.8: {name} is not inside"
        return
    if "/" not in str(held.get("/Subtype", ""))[1:]:
        yield f"6.8: {name} does not say its kind"
    if "/ModDate" not in held.get("/Params", Dictionary()):
        yield f"6.8: {name} does not say when it was changed"


def _action(action: Dictionary | Stream) -> Iterator[str]:
    kind = str(action.get("/S", "/JavaScript"))
    if kind not in _ACTIONS:
        yield f"6.5.1: forbidden action {kind}"
    if kind == "/Named" and str(action.get("/N")) not in _NAMED:
        yield f"6.5.1: forbidden named action {action.get('/N')}"


def _annotation(annotation: Object) -> Iterator[str]:
    kind, flags = str(annotation.get("/Subtype")), int(annotation.get("/F", 0))
    if kind in _FORBIDDEN_ANNOTATIONS:
        yield f"6.3.1: annotation {kind}"
    if kind != "/Popup" and (flags & 0b1_0010_0011 or not flags & 0b100):
        yield f"6.3.2: annotation {kind} is hidden or not printed"
    unseen = len({str(number) for number in annotation.get("/Rect", ())}) == 1
    if kind not in _ANNOTATIONS_WITHOUT_LOOKS and not unseen and "/N" not in annotation.get("/AP", Dictionary()):
        yield f"6.3.3: annotation {kind} has no looks of its own"


def _image(image: Dictionary | Stream) -> Iterator[str]:
    if image.get("/Interpolate", False):
        yield "6.2.8: a smoothed picture"
    if "/Alternates" in image or "/OPI" in image:
        yield "6.2.8: a picture with others in its stead"


def _state(state: Dictionary | Stream) -> Iterator[str]:
    if "/TR" in state or state.get("/TR2", Name.Default) != Name.Default or "/HTP" in state:
        yield "6.2.5: a transfer function or halftone phase"
    blend = state.get("/BM", Name.Normal)
    if any(not _BLENDS.fullmatch(str(one)) for one in (blend if isinstance(blend, Array) else [blend])):
        yield "6.2.10: unknown blend mode"


def _alike(info: str, xmp: str | None) -> bool:
    """The same text, or the same instant: 'D:20261122063337+00'00'' and '2026-11-22T06:33:37+00:00'."""
    if xmp is None:
        return False
    if not info.startswith("D:"):
        return info == xmp
    try:
        at = datetime.strptime(info[2:].replace("'", "").replace("Z", "+0000"), "%Y%m%d%H%M%S%z")
        return at == datetime.fromisoformat(xmp)
    except (ValueError, TypeError):
        return False
