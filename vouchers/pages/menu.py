"""The menu of a desk: which pages there are, in which order, and who is shown them."""

from typing import Final, NamedTuple

from vouchers.access import PERMISSIONS, Act, Caller
from vouchers.pages.language import _


class Entry(NamedTuple):
    """One line of the menu. `path` comes after `/p/<programme>`; the page there does `act`."""

    group: str
    label: str
    path: str
    act: Act


MENU: Final = (
    Entry("", _("Accueil"), "", Act.REPORT_READ),
    Entry(_("Acheter"), _("Ma campagne"), "/campagne", Act.CAMPAIGN_READ),
    Entry(_("Acheter"), _("Commandes"), "/commandes", Act.ORDER_READ),
    Entry(_("Acheter"), _("Listes de bénéficiaires"), "/listes", Act.RECIPIENTS_READ),
    Entry(_("Acheter"), _("Acheteurs"), "/acheteurs", Act.BUYER_READ),
    Entry(_("Chèques"), _("Lots"), "/lots", Act.BATCH_READ),
    Entry(_("Chèques"), _("Retrouver un chèque"), "/cheques", Act.VOUCHER_READ),
    Entry(_("Commerces"), _("Commerçants"), "/commercants", Act.MERCHANT_READ),
    Entry(_("Commerces"), _("Candidatures"), "/candidatures", Act.APPLICATION_READ),
    Entry(_("Commerces"), _("Comptes bancaires"), "/comptes", Act.ACCOUNT_READ),
    Entry(_("Rembourser"), _("Règlements"), "/reglements", Act.SETTLEMENT_READ),
    Entry(_("Rembourser"), _("Banque"), "/banque", Act.BANK_READ),
    Entry(_("Rembourser"), _("Remises par courrier"), "/remises", Act.REMITTANCE_READ),
    Entry(_("Rembourser"), _("Litiges"), "/litiges", Act.DISPUTE_READ),
    Entry(_("Suivre"), _("Chiffres"), "/chiffres", Act.REPORT_READ),
    Entry(_("Suivre"), _("Comptabilité"), "/comptabilite", Act.JOURNAL_READ),
    Entry(_("Suivre"), _("Factures et pièces"), "/pieces", Act.DOCUMENT_READ),
    Entry(_("Suivre"), _("À surveiller"), "/surveillance", Act.WATCH_READ),
    Entry(_("Suivre"), _("Clôture"), "/cloture", Act.REPORT_READ),
    Entry(_("Régler"), _("Dispositif"), "/dispositif", Act.TERMS_READ),
    Entry(_("Régler"), _("Factures et comptes"), "/reglages/pieces", Act.PAPER_SETTINGS_READ),
    Entry(_("Régler"), _("Équipe"), "/equipe", Act.ROLE_READ),
)


def menu_of(caller: Caller, programme_id: int) -> list[Entry]:
    """What `caller` may open in this programme, in the order of the menu."""
    held = {one.role for one in caller.held if one.programme_id == programme_id}
    return [entry for entry in MENU if held & PERMISSIONS[entry.act].keys()]
