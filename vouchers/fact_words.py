"""What each kind of fact is called in the books, in the French of whoever reads them."""

from typing import Final

LABELS: Final = {
    "programme_opened": "Ouverture du dispositif",
    "merchant_enrolled": "Adhésion du commerçant {owner}",
    "merchant_suspended": "Suspension du commerçant {owner}",
    "merchant_restored": "Rétablissement du commerçant {owner}",
    "buyer_enrolled": "Inscription de l'acheteur {owner}",
    "buyer_rule_set": "Réglage des commandes de l'acheteur {owner}",
    "terms_set": "Réglage du dispositif",
    "application_received": "Candidature {owner} reçue",
    "application_accepted": "Candidature {owner} acceptée",
    "application_refused": "Candidature {owner} refusée",
    "profile_set": "Fiche du commerçant {owner}",
    "convention_signed": "Convention signée par le commerçant {owner}",
    "staff_invited": "Invitation de la personne {owner}",
    "staff_enrolled": "Inscription de la personne {owner}",
    "staff_suspended": "Suspension de la personne {owner}",
    "staff_restored": "Rétablissement de la personne {owner}",
    "account_asked": "Compte bancaire proposé, commerçant {owner}",
    "account_confirmed": "Compte bancaire confirmé, commerçant {owner}",
    "account_withdrawn": "Compte bancaire retiré, commerçant {owner}",
    "role_asked": "Rôle demandé pour la personne {owner}",
    "role_granted": "Rôle accordé à la personne {owner}",
    "role_revoked": "Rôle retiré à la personne {owner}",
    "till_paired": "Appairage de la caisse {owner}",
    "till_renamed": "Changement de nom de la caisse {owner}",
    "till_revoked": "Révocation de la caisse {owner}",
    "cashier_named": "Ajout de la personne en caisse {owner}",
    "cashier_removed": "Retrait de la personne en caisse {owner}",
    "shop_rule_set": "Réglage des caisses du commerçant {owner}",
    "order_placed": "Commande {owner} passée",
    "order_approved": "Commande {owner} approuvée",
    "order_accepted": "Commande {owner} acceptée sur bon de commande",
    "order_paid": "Encaissement sur la commande {owner}",
    "order_cancelled": "Annulation de la commande {owner}",
    "order_delivered": "Livraison de la commande {owner}",
    "issue_begun": "Début d'émission du lot {owner}",
    "issued": "Émission de chèques du lot {owner}",
    "printed": "Remise des planches du lot {owner}",
    "activated": "Activation : {thing} {owner}",
    "extended": "Report de la date de validité du lot {owner}",
    "redeemed": "Acceptation par le commerçant {owner}",
    "reversed": "Annulation de l'acceptation {owner}",
    "blocked": "Opposition sur le chèque {owner}",
    "unblocked": "Levée d'opposition sur le chèque {owner}",
    "cancelled": "Annulation du chèque {owner}",
    "replaced": "Remplacement du chèque {owner}",
    "expired": "Péremption de chèques",
    "offline_allowed": "Acceptation sans réseau permise",
    "offline_forbidden": "Acceptation sans réseau interdite",
    "disputed": "Litige {owner} sur un chèque accepté sans réseau",
    "guaranteed": "Garantie versée pour le litige {owner}",
    "dispute_dismissed": "Litige {owner} classé",
    "recipients_ordered": "Liste de bénéficiaires {owner} commandée",
    "recipients_assigned": "Chèques attribués aux bénéficiaires de la liste {owner}",
    "recipient_exported": "Données du bénéficiaire {owner} remises",
    "recipient_erased": "Données du bénéficiaire {owner} effacées",
    "recipients_purged": "Données de la liste de bénéficiaires {owner} effacées",
    "remittance_opened": "Remise par courrier {owner} ouverte",
    "remittance_closed": "Remise par courrier {owner} close",
    "settlement_held": "Retenue sur ce qui est dû au commerçant {owner}",
    "settlement_released": "Levée d'une retenue, commerçant {owner}",
    "watched": "Signalement examiné",
    "run_proposed": "Règlement {owner} proposé",
    "run_withdrawn": "Règlement {owner} retiré",
    "run_approved": "Règlement {owner} approuvé",
    "settled": "Règlement du commerçant, relevé {owner}",
    "run_exported": "Fichier bancaire du règlement {owner} remis",
    "run_executed": "Règlement {owner} exécuté par la banque",
    "transfer_returned": "Virement du règlement {owner} rejeté par la banque",
    "paper_settings_set": "Réglage des pièces et des comptes",
    "billing_set": "Facturation de l'acheteur {owner} réglée",
    "invoiced": "Facture établie : {thing} {owner}",
    "credited": "Avoir établi : {thing} {owner}",
    "document_made": "Pièce établie : {thing} {owner}",
    "statement_sent": "Relevé {owner} envoyé",
    "bank_statement_taken": "Relevé bancaire {owner} lu",
    "money_received": "Encaissement à affecter, ligne {owner} de la banque",
    "paid_back": "Remboursement : {thing} {owner}",
    "bank_fees_taken": "Frais bancaires, ligne {owner} de la banque",
    "bank_line_set_aside": "Ligne {owner} de la banque mise de côté",
    "bank_line_reopened": "Ligne {owner} de la banque rouverte",
}
"""The French sentence of each kind of fact; `owner` is what follows the colon of the subject: 17 of 'merchant:17'."""
_THINGS: Final = {
    "batch": "lot", "voucher": "chèque", "order": "commande", "settlement": "relevé", "run": "règlement",
    "programme": "dispositif", "buyer": "acheteur", "bank_line": "ligne de la banque",
}  # fmt: skip


def statement_name(programme_id: int, number: int, merchant_id: int) -> str:
    """A statement's number: it has no series, for it is not an invoice."""
    return f"R{programme_id}-{number}-{merchant_id}"


def label(kind: str, subject: str, *, programme_id: int) -> str:
    """The French sentence of a fact, as printed in the books."""
    thing, _, owner = subject.partition(":")
    if thing == "settlement":
        owner = statement_name(programme_id, *map(int, owner.split("/")))
    return LABELS[kind].format(owner=owner, thing=_THINGS.get(thing, thing))
