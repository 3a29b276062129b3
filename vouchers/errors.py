"""Every refusal of the house, as one tree.

Refusal
├── BadInput                 a value that cannot be: the field and what is wrong with it
├── NotFound                 no such order, merchant, run …
├── AccessRefusal            who asks, and may they
│   ├── NotSignedIn  WrongCredentials  Forbidden  SamePerson  SignInNotFresh  FormExpired
│   ├── TooManyAttempts  SecondFactorWanted  SecondFactorWrong  OneTimeInvalid  PasskeyRefused  LastMeans  MailNotSent
│   └── PairingCodeInvalid  SignatureInvalid  ClockSkew  NonceReused  TillRevoked  PinWrong
├── KeyRefusal               KeyMissing  KeyReused
├── PeopleRefusal            AlreadyEnrolled  MerchantSuspended  AccountChangePending  AccountChangeUnknown
│   ├── ApplicationDecided  ApplicationsClosed
│   └── CashierNameTaken  CashiersFull
├── SetUpRefusal             SetUpState  SetUpIncomplete
├── OrderRefusal             OrderState  OrderSize  FaceValueRange  PurchaseOrderMissing  ExposureExceeded
│   └── PaymentAlreadyRecorded
├── InvoiceRefusal           AlreadyInvoiced  BillingIncomplete  IssuerDetailsMissing  NotInvoiced  NothingToCredit
├── BooksRefusal             IssuerSirenMissing
│   └── SigningKeyMissing  NothingToClose
├── ListRefusal              ListState  ListNotReady  RecipientsDiffer  NotAssigned  ListSpendable
├── BatchRefusal             BatchState  SheetsHandedOver
├── VoucherRefusal           carries the serial and what to tell the customer
│   ├── VoucherUnknown  VoucherNotActive  VoucherBlocked  VoucherCancelled  VoucherReplaced
│   ├── AlreadyRedeemed  VoucherExpired  AmountAboveBalance  PartialUseRefused
│   └── VoucherClosed  VoucherNotBlocked  ExpiryNotLater
├── BasketRefusal            BasketSize  BasketDuplicate
├── ReversalRefusal          RedemptionUnknown  WindowClosed  AlreadyReversed
├── OfflineRefusal           OfflineNotAllowed  DisputeUnknown  DisputeDecided  PaidOtherwise  GuaranteeExceeded
├── SettlementRefusal        RunState  RunOpen  NothingToSettle  FiguresChanged  IssuerAccountMissing  NotInRun
│   └── HeldSince  HoldStanding  HoldClosed  LineSettled  PapersNotReady  StatementBeingSent
├── RemittanceRefusal        RemittanceClosed  AlreadyInPile  PresentationOver  NothingToUndo
├── BankRefusal              StatementOfOtherAccount  StatementKnown  StatementDiffers  ReportNotOurs
│   └── LineDecided  LineOtherWay  LineDiffers  FactElsewhere  NotOwedBack  NothingWaiting  ProposalChanged
└── CopyRefusal              CopyBroken  CopyOlder

`reason` is for programs and never changes; the text is for people, in French and English. `data` holds plain values
that JSON can carry: whole cents under a name ending in `cents`, ISO days and instants. Nothing here knows HTTP: the
table in `api/problems.py` maps each reason to a status.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from vouchers import clock, money
from vouchers.wrong import PROBLEMS, lacking, states_fr

Plain = str | int | bool | None | dict[str, Any] | list[Any]


class Refusal(Exception):
    """A clear no: nothing was written. A subclass without a `reason` of its own only groups others."""

    reason: ClassVar[str] = ""
    fr: ClassVar[str] = ""
    en: ClassVar[str] = ""
    feminine: ClassVar[bool] = False
    """Of the noun whose `state` the French sentence tells."""

    def __init__(self, **data: Plain) -> None:
        self.data = data
        super().__init__(f"{self.reason}: {data}" if data else self.reason)

    def text(self, language: str = "fr") -> str:
        """The sentence for a person; `language` is 'fr' or 'en'."""
        template = self.en if language == "en" else self.fr
        shown = {name: _spoken(name, value, language) for name, value in self.data.items()}
        if language != "en":
            told = {name: value for name, value in shown.items() if name in {"state", "wanted"}}
            shown |= {n: states_fr(v, feminine=self.feminine) for n, v in told.items() if isinstance(v, str)}
        return template.format(**shown)


def _spoken(name: str, value: Plain, language: str) -> Plain:
    if name.endswith("cents") and isinstance(value, int):
        return money.euros_en(value) if language == "en" else money.euros_fr(value)
    if name.endswith("_on") and isinstance(value, str):
        return value if language == "en" else clock.day_fr(date.fromisoformat(value))
    if name.endswith("_at") and isinstance(value, str):
        return value if language == "en" else clock.moment_fr(datetime.fromisoformat(value))
    return value


def refusal_of(reason: str, data: dict[str, Any]) -> Refusal:
    """The refusal kept under `reason`: how a stored answer becomes the first answer again."""
    return REFUSALS[reason](**data)


def _named(root: type[Refusal]) -> dict[str, type[Refusal]]:
    named: dict[str, type[Refusal]] = {}
    for kind in root.__subclasses__():
        if "reason" in vars(kind):
            named[kind.reason] = kind
        named.update(_named(kind))
    return named


class BadInput(Refusal):
    """`field` names the value; `problem` is a word of PROBLEMS, whose sentence may show what else the data holds."""

    reason = "bad_input"
    fr = "Valeur refusée pour « {field} » : {problem}."
    en = "Value refused for '{field}': {problem}."

    def text(self, language: str = "fr") -> str:
        template = self.en if language == "en" else self.fr
        return template.format(field=self.data["field"], problem=self._problem(language))

    def beside(self, language: str = "fr") -> str:
        """The sentence for who sees the field itself, and need not be told a program's name for it."""
        return f"{'Value refused' if language == 'en' else 'Valeur refusée '}: {self._problem(language)}."

    def _problem(self, language: str) -> str:
        shown = {name: _spoken(name, value, language) for name, value in self.data.items()}
        return PROBLEMS[str(self.data["problem"])][1 if language == "en" else 0].format(**shown)


class NotFound(Refusal):
    """`what` is the noun of the trade; an object of another programme is not found either."""

    reason = "not_found"
    fr = "Introuvable : {what} {id}."
    en = "Not found: {what} {id}."


# ── Access ───────────────────────────────────────────────────────────────────────────────────────────────────────
class AccessRefusal(Refusal):
    """Who asks, and may they."""


class NotSignedIn(AccessRefusal):
    reason = "not_signed_in"
    fr = "Connectez-vous : la session manque, a expiré ou a été révoquée."
    en = "Sign in: the session is missing, expired or revoked."


class WrongCredentials(AccessRefusal):
    reason = "wrong_credentials"
    fr = "Adresse ou mot de passe inexact."
    en = "Wrong address or password."


class Forbidden(AccessRefusal):
    reason = "forbidden"
    fr = "Votre rôle ne permet pas cette action : {act}."
    en = "Your role does not allow this: {act}."


class SamePerson(AccessRefusal):
    reason = "same_person"
    fr = "Quatre yeux : une autre personne doit le faire ({act})."
    en = "Four eyes: another person has to do this ({act})."


class SignInNotFresh(AccessRefusal):
    """An act that money follows, by a session that has not shown for a while who sits there."""

    reason = "sign_in_not_fresh"
    fr = "Confirmez que c'est bien vous, puis recommencez ({act})."
    en = "Confirm that it is you, then try again ({act})."


class FormExpired(AccessRefusal):
    """A form whose token is not that of the browser that sends it: another site's, or one left open too long."""

    reason = "form_expired"
    fr = "Cette page est restée ouverte trop longtemps. Rechargez-la et recommencez : rien n'a été fait."
    en = "This page was left open too long. Reload it and try again: nothing was done."


class TooManyAttempts(AccessRefusal):
    reason = "too_many_attempts"
    fr = "Trop d'essais. Réessayez dans {retry_after_seconds} secondes."
    en = "Too many attempts. Try again in {retry_after_seconds} seconds."


class SecondFactorWanted(AccessRefusal):
    """The password is right, and not enough: this person has an authenticator."""

    reason = "second_factor_wanted"
    fr = "Il faut aussi le code à six chiffres de votre application."
    en = "The six digits of your authenticator app are wanted too."


class SecondFactorWrong(AccessRefusal):
    """Wrong digits, digits that were used already, or a recovery code that is not one any more."""

    reason = "second_factor_wrong"
    fr = "Ce code est faux, ou a déjà servi. Attendez le suivant et recommencez."
    en = "This code is wrong, or was used already. Wait for the next one and try again."


class OneTimeInvalid(AccessRefusal):
    """The one answer for a link, an invitation or a step of the sign-in that opens nothing (any more)."""

    reason = "one_time_invalid"
    fr = "Ce code ou ce lien est inconnu, expiré ou déjà utilisé. Demandez-en un nouveau."
    en = "This code or link is unknown, expired or already used. Ask for a new one."


class PasskeyRefused(AccessRefusal):
    reason = "passkey_refused"
    fr = "Cette clé d'accès n'a pas été reconnue. Rechargez la page et recommencez, ou utilisez un autre moyen."
    en = "This passkey was not recognised. Reload the page and try again, or use another means."


class LastMeans(AccessRefusal):
    """Its person would have no way in any more."""

    reason = "last_means"
    fr = "C'est votre seul moyen de vous connecter. Choisissez d'abord un mot de passe, ou ajoutez une autre clé."
    en = "It is your only way to sign in. Choose a password first, or add another passkey."


class MailNotSent(AccessRefusal):
    """No letter left: nothing is set up to send it, or the mail server did not take it."""

    reason = "mail_not_sent"
    fr = "L'e-mail n'est pas parti : le serveur de courrier ne répond pas, ou n'est pas réglé."
    en = "The e-mail was not sent: the mail server does not answer, or is not set up."


class PairingCodeInvalid(AccessRefusal):
    reason = "pairing_code_invalid"
    fr = "Ce code d'appairage est inconnu, expiré ou déjà utilisé. Demandez-en un nouveau."
    en = "This pairing code is unknown, expired or already used. Ask for a new one."


class SignatureInvalid(AccessRefusal):
    reason = "signature_invalid"
    fr = "La signature de la demande ne correspond pas à cette caisse."
    en = "The signature of the request does not match this till."


class ClockSkew(AccessRefusal):
    reason = "clock_skew"
    fr = "L'horloge du téléphone s'écarte de plus de cinq minutes de celle du serveur."
    en = "The phone's clock is more than five minutes away from the server's."


class NonceReused(AccessRefusal):
    reason = "nonce_reused"
    fr = "Cette demande signée a déjà été reçue."
    en = "This signed request was received before."


class TillRevoked(AccessRefusal):
    reason = "till_revoked"
    fr = "Cette caisse a été révoquée. Appairez-la de nouveau."
    en = "This till was revoked. Pair it again."


class PinWrong(AccessRefusal):
    """The shop's undo PIN, wrong or missing."""

    reason = "pin_wrong"
    fr = "Le code d'annulation du commerce est faux, ou manque."
    en = "The shop's PIN for undoing is wrong, or missing."


# ── Idempotency keys ─────────────────────────────────────────────────────────────────────────────────────────────
class KeyRefusal(Refusal):
    """The caller's key."""


class KeyMissing(KeyRefusal):
    reason = "key_missing"
    fr = "L'en-tête Idempotency-Key est obligatoire (1 à 64 caractères visibles)."
    en = "The Idempotency-Key header is required (1 to 64 visible characters)."


class KeyReused(KeyRefusal):
    reason = "key_reused"
    fr = "Cette clé a déjà servi pour une autre demande ; rien n'a été fait."
    en = "This key was already used for another request; nothing was done."


# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────
class PeopleRefusal(Refusal):
    """Buyers, merchants, staff."""


class AlreadyEnrolled(PeopleRefusal):
    reason = "already_enrolled"
    fr = "Déjà inscrit : {what} {id}."
    en = "Already enrolled: {what} {id}."


class MerchantSuspended(PeopleRefusal):
    reason = "merchant_suspended"
    fr = "Ce commerce est suspendu : il ne peut pas accepter de chèques."
    en = "This shop is suspended: it cannot accept vouchers."


class AccountChangePending(PeopleRefusal):
    reason = "account_change_pending"
    fr = "Un changement de compte bancaire attend déjà pour ce commerce."
    en = "A change of bank account is already pending for this shop."


class AccountChangeUnknown(PeopleRefusal):
    reason = "account_change_unknown"
    fr = "Aucun changement de compte bancaire n'attend sous ce numéro."
    en = "No change of bank account is pending under this number."


class ApplicationDecided(PeopleRefusal):
    reason = "application_decided"
    fr = "Cette candidature est déjà traitée."
    en = "This application is decided already."


class ApplicationsClosed(PeopleRefusal):
    reason = "applications_closed"
    fr = "Ce dispositif est terminé : il ne reçoit plus de candidatures."
    en = "This programme is over: it takes no more applications."


class CashierNameTaken(PeopleRefusal):
    reason = "cashier_name_taken"
    fr = "Ce commerce a déjà « {name} » en caisse."
    en = "This shop already has a cashier called '{name}'."


class CashiersFull(PeopleRefusal):
    reason = "cashiers_full"
    fr = "Un commerce a {most} personnes en caisse au plus."
    en = "A shop has {most} cashiers at most."


# ── Setting up a programme ───────────────────────────────────────────────────────────────────────────────────────
class SetUpRefusal(Refusal):
    """A programme being prepared that cannot go on."""


class SetUpState(SetUpRefusal):
    reason = "set_up_state"
    fr = "Ce projet de dispositif est « {state} » ; il faudrait : {wanted}."
    en = "This planned programme is '{state}'; wanted: {wanted}."


class SetUpIncomplete(SetUpRefusal):
    """`missing`: how many steps are not answered yet."""

    reason = "set_up_incomplete"
    fr = "Il reste des étapes à remplir : {missing}."
    en = "Some steps are still to be filled in: {missing}."


# ── Orders and batches ───────────────────────────────────────────────────────────────────────────────────────────
class OrderRefusal(Refusal):
    """An order that cannot go on."""


class OrderState(OrderRefusal):
    reason = "order_state"
    feminine = True
    fr = "La commande {number} est « {state} » ; il faudrait : {wanted}."
    en = "Order {number} is '{state}'; wanted: {wanted}."


class OrderSize(OrderRefusal):
    reason = "order_size"
    fr = "Une commande compte de 1 à {most} chèques ; celle-ci en compte {quantity}."
    en = "An order has 1 to {most} vouchers; this one has {quantity}."


class FaceValueRange(OrderRefusal):
    reason = "face_value_range"
    fr = "La valeur faciale va de {least_cents} à {most_cents} ; {cents} est refusé."
    en = "The face value goes from {least_cents} to {most_cents}; {cents} is refused."


class PurchaseOrderMissing(OrderRefusal):
    reason = "purchase_order_missing"
    fr = "Une commande à crédit demande la référence d'un bon de commande signé."
    en = "An order on credit needs the reference of a signed purchase order."


class ExposureExceeded(OrderRefusal):
    reason = "exposure_exceeded"
    fr = "Plafond de crédit de l'acheteur {cap_cents} : déjà dû {owed_cents}, cette commande {order_cents}."
    en = "The buyer's credit cap is {cap_cents}: {owed_cents} already owed, this order {order_cents}."


class PaymentAlreadyRecorded(OrderRefusal):
    """`transfer` is the day and the bank's reference under which it stands."""

    reason = "payment_already_recorded"
    fr = "Ce virement ({transfer}) est déjà enregistré sur la commande {number}."
    en = "This transfer ({transfer}) is already recorded on order {number}."


class InvoiceRefusal(Refusal):
    """An invoice or a credit note that cannot be made. `missing` holds words of `wrong.LACKING`."""

    def text(self, language: str = "fr") -> str:
        template = self.en if language == "en" else self.fr
        told = {"missing": lacking(str(self.data["missing"]), language)} if "missing" in self.data else {}
        return template.format(**{**self.data, **told})


class AlreadyInvoiced(InvoiceRefusal):
    """`documents`: the names of the invoices that there are."""

    reason = "already_invoiced"
    fr = "La commande {number} est déjà facturée : {documents}."
    en = "Order {number} is invoiced already: {documents}."


class BillingIncomplete(InvoiceRefusal):
    """What the buyer's accountant asks for is not known: the invoice would come back."""

    reason = "billing_incomplete"
    fr = "La facture de la commande {number} serait rejetée. Il manque, pour l'acheteur : {missing}."
    en = "The invoice of order {number} would be rejected. Missing, for the buyer: {missing}."


class IssuerDetailsMissing(InvoiceRefusal):
    reason = "issuer_details_missing"
    fr = "Rien ne peut être facturé : il manque, pour l'émetteur : {missing}."
    en = "Nothing can be invoiced: missing, for the issuer: {missing}."


class NotInvoiced(InvoiceRefusal):
    reason = "not_invoiced"
    fr = "La commande {number} n'a pas de facture : il n'y a rien à créditer."
    en = "Order {number} has no invoice: there is nothing to credit."


class NothingToCredit(InvoiceRefusal):
    reason = "nothing_to_credit"
    fr = "Les factures de la commande {number} disent ce qui est vendu : aucun avoir n'est dû."
    en = "The invoices of order {number} say what is sold: no credit note is due."


class BooksRefusal(Refusal):
    """The books cannot leave as asked."""


class IssuerSirenMissing(BooksRefusal):
    reason = "issuer_siren_missing"
    fr = "Le FEC porte le SIREN de l'émetteur, qui n'est pas connu : enregistrez son SIRET."
    en = "The FEC is named after the issuer's SIREN, which is not known: record its SIRET."


class ListRefusal(Refusal):
    """A list of people that cannot go on."""


class ListState(ListRefusal):
    """Also when somebody else changed the list since it was looked at."""

    reason = "list_state"
    feminine = True
    fr = "La liste {number} est « {state} », ou vient de changer : rechargez la page."
    en = "List {number} is '{state}', or has just changed: reload the page."


class ListNotReady(ListRefusal):
    reason = "list_not_ready"
    fr = "La liste {number} a encore {faults} erreurs et {doubles} doublons à regarder."
    en = "List {number} still has {faults} errors and {doubles} doubles to look at."


class ListSpendable(ListRefusal):
    """Its people can still spend: whoever purges it all the same says so."""

    reason = "list_spendable"
    fr = "Les personnes de la liste {number} ont encore {vouchers} chèques non dépensés : confirmez l'effacement."
    en = "The people of list {number} still have {vouchers} unspent vouchers: confirm that they are to be erased."


class RecipientsDiffer(ListRefusal):
    """The batch does not hold, of each face value, as many vouchers as the list gives."""

    reason = "recipients_differ"
    fr = "Le lot {number} et la liste ne comptent pas les mêmes chèques de {cents} : {vouchers} et {wanted}."
    en = "Batch {number} and the list do not count the same {cents} vouchers: {vouchers} and {wanted}."


class SigningKeyMissing(InvoiceRefusal):
    """No certificate is set up, and in production none is made up."""

    reason = "signing_key_missing"
    fr = "Aucun certificat de signature n'est réglé : le dossier ne peut pas être signé (VOUCHERS_SIGNING_FILE)."
    en = "No signing certificate is set up: the dossier cannot be signed (VOUCHERS_SIGNING_FILE)."


class NothingToClose(InvoiceRefusal):
    """No order was ever approved, so there is nothing to account for."""

    reason = "nothing_to_close"
    fr = "Aucune commande n'a été approuvée : il n'y a rien à clôturer."
    en = "No order was approved: there is nothing to close."


class NotAssigned(ListRefusal):
    reason = "not_assigned"
    fr = "Les chèques de la commande {number} ne sont pas encore attribués aux personnes de sa liste."
    en = "The vouchers of order {number} are not assigned yet to the people of its list."


class BatchRefusal(Refusal):
    """A batch that cannot go on."""


class BatchState(BatchRefusal):
    reason = "batch_state"
    fr = "Le lot {number} est « {state} » ; il faudrait : {wanted}."
    en = "Batch {number} is '{state}'; wanted: {wanted}."


class SheetsHandedOver(BatchRefusal):
    reason = "sheets_handed_over"
    fr = "Les planches du lot {number} ont déjà été remises : pas de réimpression, annuler et remplacer les chèques."
    en = "The sheets of batch {number} were already handed over: no reprint, cancel and replace the vouchers."


# ── Vouchers ─────────────────────────────────────────────────────────────────────────────────────────────────────
class VoucherRefusal(Refusal):
    """Of one voucher. `say_…` is what the cashier can tell the customer."""

    say_fr: ClassVar[str] = "Ce chèque ne peut pas être utilisé."
    say_en: ClassVar[str] = "This voucher cannot be used."

    def say(self, language: str = "fr") -> str:
        """The sentence for the customer."""
        template = self.say_en if language == "en" else self.say_fr
        return template.format(**{name: _spoken(name, value, language) for name, value in self.data.items()})


class VoucherUnknown(VoucherRefusal):
    """The one answer to strangers, and to a till for whatever is not a voucher of its programme."""

    reason = "voucher_unknown"
    fr = "Ce code n'est pas celui d'un chèque de ce dispositif."
    en = "This is not the code of a voucher of this programme."
    say_fr = "Ce chèque n'est pas reconnu ici. La mairie ou l'émetteur peut vous renseigner."
    say_en = "This voucher is not recognised here. The town hall or the issuer can help you."


class VoucherNotActive(VoucherRefusal):
    reason = "voucher_not_active"
    fr = "Le chèque {serial} n'est pas encore activé."
    en = "Voucher {serial} is not active yet."
    say_fr = "Ce chèque n'est pas encore activé. Il le sera à sa remise officielle."
    say_en = "This voucher is not active yet. It will be when it is officially handed over."


class VoucherBlocked(VoucherRefusal):
    reason = "voucher_blocked"
    fr = "Le chèque {serial} est bloqué."
    en = "Voucher {serial} is blocked."
    say_fr = "Ce chèque a été mis en opposition. Adressez-vous à la mairie ou à l'émetteur."
    say_en = "This voucher was stopped. Please ask the town hall or the issuer."


class VoucherCancelled(VoucherRefusal):
    reason = "voucher_cancelled"
    fr = "Le chèque {serial} a été annulé."
    en = "Voucher {serial} was cancelled."
    say_fr = "Ce chèque a été annulé. Adressez-vous à la mairie ou à l'émetteur."
    say_en = "This voucher was cancelled. Please ask the town hall or the issuer."


class VoucherReplaced(VoucherRefusal):
    reason = "voucher_replaced"
    fr = "Le chèque {serial} a été remplacé le {replaced_on}."
    en = "Voucher {serial} was replaced on {replaced_on}."
    say_fr = "Ce chèque a été remplacé le {replaced_on} : utilisez le nouveau."
    say_en = "This voucher was replaced on {replaced_on}: please use the new one."


class AlreadyRedeemed(VoucherRefusal):
    """`used` holds the instant, the shop, and whether it was the asking shop."""

    reason = "already_redeemed"
    fr = "Le chèque {serial} a déjà été utilisé."
    en = "Voucher {serial} was already used."
    say_fr = "Ce chèque a déjà été utilisé."
    say_en = "This voucher was already used."


class VoucherExpired(VoucherRefusal):
    reason = "voucher_expired"
    fr = "Le chèque {serial} n'est plus valable depuis le {expires_on} au soir."
    en = "Voucher {serial} could be spent until {expires_on} included."
    say_fr = "Ce chèque était valable jusqu'au {expires_on} inclus."
    say_en = "This voucher could be spent until {expires_on} included."


class AmountAboveBalance(VoucherRefusal):
    reason = "amount_above_balance"
    fr = "Il reste {balance_cents} sur le chèque {serial} ; {cents} demandé."
    en = "Voucher {serial} holds {balance_cents}; {cents} asked."
    say_fr = "Il reste {balance_cents} sur ce chèque."
    say_en = "This voucher holds {balance_cents}."


class PartialUseRefused(VoucherRefusal):
    reason = "partial_use_refused"
    fr = "Le chèque {serial} s'utilise en une fois, pour {balance_cents}."
    en = "Voucher {serial} is used at once, for {balance_cents}."
    say_fr = "Ce chèque s'utilise en une seule fois, sans rendu de monnaie."
    say_en = "This voucher is used at once; no change is given."


class VoucherClosed(VoucherRefusal):
    """Its life is over, so nothing can be put back on it or taken from it."""

    reason = "voucher_closed"
    fr = "Le chèque {serial} est « {state} » : plus rien ne peut y changer."
    en = "Voucher {serial} is '{state}': nothing about it can change any more."


class VoucherNotBlocked(VoucherRefusal):
    reason = "voucher_not_blocked"
    fr = "Le chèque {serial} n'est pas bloqué."
    en = "Voucher {serial} is not blocked."


class ExpiryNotLater(BatchRefusal):
    reason = "expiry_not_later"
    fr = "La nouvelle date doit être postérieure au {expires_on}, et à aujourd'hui."
    en = "The new day must be after {expires_on}, and after today."


# ── Baskets, reversals ───────────────────────────────────────────────────────────────────────────────────────────
class BasketRefusal(Refusal):
    """A basket as a whole."""


class BasketSize(BasketRefusal):
    reason = "basket_size"
    fr = "Un encaissement compte de 1 à {most} chèques ; celui-ci en compte {quantity}."
    en = "A redemption has 1 to {most} vouchers; this one has {quantity}."


class BasketDuplicate(BasketRefusal):
    reason = "basket_duplicate"
    fr = "Le chèque {serial} est deux fois dans cet encaissement."
    en = "Voucher {serial} is in this basket twice."


class ReversalRefusal(Refusal):
    """A redemption that cannot be undone so."""


class RedemptionUnknown(ReversalRefusal):
    reason = "redemption_unknown"
    fr = "Aucun encaissement de ce commerce sous ce numéro."
    en = "No redemption of this shop under this number."


class WindowClosed(ReversalRefusal):
    reason = "window_closed"
    fr = "L'annulation était possible jusqu'au {until_at}. Demandez au trésorier."
    en = "It could be undone until {until_at}. Ask the treasurer."


class AlreadyReversed(ReversalRefusal):
    reason = "already_reversed"
    fr = "Cet encaissement a déjà été annulé."
    en = "This redemption was already reversed."


# ── Without network ──────────────────────────────────────────────────────────────────────────────────────────────
class OfflineRefusal(Refusal):
    """What was, or would be, accepted without network."""


class OfflineNotAllowed(OfflineRefusal):
    reason = "offline_not_allowed"
    fr = "Ce dispositif n'accepte pas de chèques sans réseau."
    en = "This programme accepts no vouchers without network."


class DisputeUnknown(OfflineRefusal):
    reason = "dispute_unknown"
    fr = "Aucun litige sous le numéro {number}."
    en = "No dispute under number {number}."


class DisputeDecided(OfflineRefusal):
    reason = "dispute_decided"
    fr = "Le litige {number} est déjà tranché : « {state} »."
    en = "Dispute {number} is already decided: '{state}'."


class PaidOtherwise(OfflineRefusal):
    """The voucher can still be spent, or has brought this shop its face value already."""

    reason = "paid_otherwise"
    fr = "Le chèque {serial} peut encore être encaissé, ou ce commerce en a déjà été payé."
    en = "Voucher {serial} can still be taken, or this shop was paid for it already."


class GuaranteeExceeded(OfflineRefusal):
    """`left_cents` is what the programme's guarantee can still pay."""

    reason = "guarantee_exceeded"
    fr = "La garantie peut encore payer {left_cents} ; ce litige porte sur {cents}."
    en = "The guarantee can still pay {left_cents}; this dispute is about {cents}."


# ── Settlement ───────────────────────────────────────────────────────────────────────────────────────────────────
class SettlementRefusal(Refusal):
    """A payment run that cannot go on."""


class RunState(SettlementRefusal):
    reason = "run_state"
    fr = "Le règlement {number} est « {state} » ; il faudrait : {wanted}."
    en = "Payment run {number} is '{state}'; wanted: {wanted}."


class RunOpen(SettlementRefusal):
    reason = "run_open"
    fr = "Le règlement {number} est encore proposé : approuvez-le ou retirez-le d'abord."
    en = "Payment run {number} is still proposed: approve or withdraw it first."


class NothingToSettle(SettlementRefusal):
    reason = "nothing_to_settle"
    fr = "Rien à régler jusqu'au {to_on} : rien de dû, ou seulement à des commerces suspendus ou sans compte bancaire."
    en = "Nothing to settle up to {to_on}: nothing owed, or only to shops suspended or without a bank account."


class FiguresChanged(SettlementRefusal):
    reason = "figures_changed"
    fr = "Le compte ou l'état d'un commerce a changé depuis la proposition ({merchant_id}) : retirez et reproposez."
    en = "A shop's account or standing changed since the proposal ({merchant_id}): withdraw and propose again."


class HeldSince(SettlementRefusal):
    reason = "held_since"
    fr = "Une retenue sur {shop_name} a été posée ou levée depuis la proposition : retirez et reproposez."
    en = "Something of {shop_name} was held or released since the proposal: withdraw and propose again."


class HoldStanding(SettlementRefusal):
    reason = "hold_standing"
    fr = "C'est déjà retenu (commerce {merchant_id})."
    en = "This is held already (shop {merchant_id})."


class HoldClosed(SettlementRefusal):
    reason = "hold_closed"
    fr = "La retenue {number} est déjà levée."
    en = "Hold {number} was released already."


class LineSettled(SettlementRefusal):
    reason = "line_settled"
    fr = "Cette ligne a déjà été réglée (règlement {number})."
    en = "This line was settled already (payment run {number})."


class IssuerAccountMissing(SettlementRefusal):
    reason = "issuer_account_missing"
    fr = "L'émetteur n'a pas de compte bancaire enregistré."
    en = "The issuer has no bank account on record."


class NotInRun(SettlementRefusal):
    reason = "not_in_run"
    fr = "Ce commerce n'a pas de virement à retourner dans le règlement {number}."
    en = "This shop has no transfer to return in payment run {number}."


class PapersNotReady(SettlementRefusal):
    """`number`: the run whose papers come first; invoices are numbered in the order of the runs."""

    reason = "papers_not_ready"
    fr = "Établissez d'abord les relevés et les factures de commission du règlement {number}."
    en = "Make the statements and the commission invoices of payment run {number} first."


class StatementBeingSent(SettlementRefusal):
    reason = "statement_being_sent"
    fr = "Ce relevé (règlement {number}, commerce {merchant_id}) est en train de partir."
    en = "This statement (payment run {number}, shop {merchant_id}) is being sent."


# ── Remittances ──────────────────────────────────────────────────────────────────────────────────────────────────
class RemittanceRefusal(Refusal):
    """Paper that came by post."""


class RemittanceClosed(RemittanceRefusal):
    reason = "remittance_closed"
    fr = "La remise {number} est close : ouvrez-en une autre."
    en = "Remittance {number} is closed: open another one."


class AlreadyInPile(RemittanceRefusal):
    reason = "already_in_pile"
    fr = "Le chèque {serial} est déjà dans cette pile : il est compté une fois."
    en = "Voucher {serial} is in this pile already: it is counted once."


class PresentationOver(RemittanceRefusal):
    reason = "presentation_over"
    fr = "Le chèque {serial} pouvait être présenté jusqu'au {last_on} : c'est trop tard."
    en = "Voucher {serial} could be presented until {last_on}: it is too late."


class NothingToUndo(RemittanceRefusal):
    reason = "nothing_to_undo"
    fr = "Aucun chèque à retirer de la remise {number}."
    en = "No voucher to take out of remittance {number}."


# ── The bank ─────────────────────────────────────────────────────────────────────────────────────────────────────
class BankRefusal(Refusal):
    """What the bank tells, and what is done with it."""


class StatementOfOtherAccount(BankRefusal):
    """Both by their last four digits."""

    reason = "statement_of_other_account"
    fr = "Ce relevé est celui du compte finissant par {theirs} ; le compte du dispositif finit par {ours}."
    en = "This statement is of the account ending in {theirs}; the programme's account ends in {ours}."


class StatementKnown(BankRefusal):
    reason = "statement_known"
    fr = "Ce relevé ({statement}) est déjà enregistré : rien n'a été fait."
    en = "This statement ({statement}) was taken already: nothing was done."


class StatementDiffers(BankRefusal):
    """The bank's name for a statement that is known, and another content."""

    reason = "statement_differs"
    fr = "Un relevé du même nom ({statement}), d'un autre contenu, est déjà pris : demandez à la banque lequel vaut."
    en = "A statement of the same name ({statement}) was taken, with other content: ask the bank which one counts."


class ReportNotOurs(BankRefusal):
    reason = "report_not_ours"
    fr = "Ce compte rendu parle du fichier « {message} », qui n'est pas un fichier de ce dispositif."
    en = "This report is about the file '{message}', which is not one of this programme's."


class LineDecided(BankRefusal):
    reason = "line_decided"
    fr = "La ligne {number} est {state} : quelqu'un l'a peut-être traitée entre-temps."
    en = "Line {number} is '{state}': somebody may have dealt with it meanwhile."
    feminine = True


class LineOtherWay(BankRefusal):
    reason = "line_other_way"
    fr = "La ligne {number} va dans l'autre sens : l'argent reçu et l'argent versé ne se traitent pas de même."
    en = "Line {number} goes the other way: money received and money paid are not dealt with alike."


class LineDiffers(BankRefusal):
    """`cents`: what it was to be shared out to, or what it should have been."""

    reason = "line_differs"
    fr = "La banque indique {line_cents}, ceci fait {cents} : les deux doivent être égaux."
    en = "The bank says {line_cents}, this makes {cents}: the two must be the same."


class FactElsewhere(BankRefusal):
    reason = "fact_elsewhere"
    fr = "Ce qui était enregistré ne fait pas {cents}, ou une autre ligne de la banque en rend déjà compte."
    en = "What was recorded does not make {cents}, or another line of the bank tells of it already."


class NotOwedBack(BankRefusal):
    reason = "not_owed_back"
    fr = "{cents} ont été versés, mais {owed_cents} seulement étaient à rendre là-dessus."
    en = "{cents} were paid, but only {owed_cents} were owed back on it."


class NothingWaiting(BankRefusal):
    reason = "nothing_waiting"
    fr = "Sur la ligne {number}, {left_cents} seulement attendent d'être affectés ; il en faudrait {cents}."
    en = "On line {number}, only {left_cents} wait to be allotted; this takes {cents}."


class ProposalChanged(BankRefusal):
    """What was proposed does not stand any more: paid otherwise, cancelled, or there never was one."""

    reason = "proposal_changed"
    fr = "La proposition a changé depuis l'affichage de la ligne {number} : regardez-la de nouveau."
    en = "The proposal has changed since line {number} was shown: look at it again."


# ── Copies ───────────────────────────────────────────────────────────────────────────────────────────────────────
class CopyRefusal(Refusal):
    """A backup that must not be trusted."""


class CopyBroken(CopyRefusal):
    reason = "copy_broken"
    fr = "Cette copie est abîmée : {problem}."
    en = "This copy is broken: {problem}."


class CopyOlder(CopyRefusal):
    reason = "copy_older"
    fr = "Cette copie s'arrête à l'écriture {copy_journal} ; l'écriture {known_journal} a déjà existé."
    en = "This copy ends at journal {copy_journal}; journal {known_journal} has existed."


REFUSALS = _named(Refusal)
"""Every refusal by its reason."""
