"""What the bank answers to a payment file (pain.002), in versions 03 and 10: taken, refused, or refused in part.

A report may speak of the file, of a block or of one transfer, and come several times for one file as things go on.
Source: the XSDs of ISO 20022; the statuses and reasons are external code sets, kept as the bank gives them.
"""

from typing import Final

from lxml import etree

from vouchers.bank_messages import BlockStatus, PaymentReport, PaymentStatus
from vouchers.paper import bank_file
from vouchers.paper.bank_file import needed, needed_text, text, texts

REPORTS: Final = ("pain.002.001.03", "pain.002.001.10")


def read(content: bytes) -> PaymentReport:
    """The report in a file. Refuses `BadInput` for 'file': what `bank_file.opened` refuses; an element missing."""
    message = bank_file.opened(content, wanted=REPORTS)
    root = needed(message.document, "CstmrPmtStsRpt")
    group = needed(root, "OrgnlGrpInfAndSts")
    reason, info = _why(group)
    blocks = root.findall("OrgnlPmtInfAndSts")
    return PaymentReport(
        version=message.kind,
        report_id=needed_text(root, "GrpHdr/MsgId"),
        original_message_id=needed_text(group, "OrgnlMsgId"),
        made_at=bank_file.instant_in(needed(root, "GrpHdr/CreDtTm")),
        group_status=text(group, "GrpSts") or None,
        group_reason=reason,
        group_info=info,
        blocks=tuple(_block(block) for block in blocks),
        transactions=tuple(
            _transaction(transfer, block_id=text(block, "OrgnlPmtInfId") or None)
            for block in blocks
            for transfer in block.findall("TxInfAndSts")
        ),
    )


def _block(found: etree._Element) -> BlockStatus:
    reason, info = _why(found)
    return BlockStatus(needed_text(found, "OrgnlPmtInfId"), text(found, "PmtInfSts") or None, reason, info)


def _transaction(found: etree._Element, *, block_id: str | None) -> PaymentStatus:
    reason, info = _why(found)
    return PaymentStatus(text(found, "OrgnlEndToEndId") or None, block_id, text(found, "TxSts") or None, reason, info)


def _why(found: etree._Element) -> tuple[str | None, str]:
    """(reason, what the bank adds); several reasons are told by the first, the others stand in what it adds."""
    reasons = [*texts(found, "StsRsnInf/Rsn/Cd"), *texts(found, "StsRsnInf/Rsn/Prtry")]
    return (reasons[0] if reasons else None), " ".join([*reasons[1:], *texts(found, "StsRsnInf/AddtlInf")])
