"""What can be wrong with a value, in both languages: one word for programs, a sentence for people.

The second half are the words of Pydantic, which judges the shape of what a program sends.
"""

from typing import Final

PROBLEMS: Final = {
    # word: (French, English); what stands in braces is shown from the refusal's data
    "missing": ("elle manque", "it is missing"),
    "range": ("de {least} à {most}", "from {least} to {most}"),
    "amount_range": ("de {least_cents} à {most_cents}", "from {least_cents} to {most_cents}"),
    "length": ("de {least} à {most} caractères lisibles", "from {least} to {most} legible characters"),
    "lines": ("de {least} à {most} lignes", "from {least} to {most} lines"),
    "count": ("de {least} à {most} chèques", "from {least} to {most} vouchers"),
    "one_of": ("l'un de : {words}", "one of: {words}"),
    "not_whole": ("un nombre entier est attendu", "a whole number is wanted"),
    "not_an_amount": ("un montant est attendu, par exemple 12,50", "an amount is wanted, such as 12.50"),
    "not_in_whole_vouchers": (
        "ce montant ne se partage pas en chèques entiers de {face_cents}",
        "this amount is not a whole number of {face_cents} vouchers",
    ),
    "not_a_postcode": (
        "un code postal a cinq chiffres ; un zéro s'est peut-être perdu au début",
        "a postcode has five digits; a zero at its start may have been lost",
    ),
    "not_a_vat_number": (
        "ce n'est pas un numéro de TVA : deux lettres pour le pays, puis le numéro, par exemple FR40303265045",
        "this is not a VAT number: two letters for the country, then the number, such as FR40303265045",
    ),
    "not_an_account": (
        "un numéro de compte a de 3 à 10 chiffres et commence par un chiffre de 1 à 7",
        "an account number has 3 to 10 digits and starts with a digit from 1 to 7",
    ),
    "account_named_twice": (
        "le compte {number} aurait deux noms : un même numéro porte partout le même nom",
        "account {number} would have two names: the same number has the same name everywhere",
    ),
    "not_a_rate": ("un pourcentage est attendu, par exemple 5,25", "a percentage is wanted, such as 5.25"),
    "unknown_word": ("entre accolades, seuls ces mots : {words}", "in braces, these words alone: {words}"),
    "not_in_windows_1252": (
        "« {text} » ne s'écrit pas en Windows-1252 : prenez le fichier en UTF-8",
        "'{text}' cannot be written in Windows-1252: take the file in UTF-8",
    ),
    "longer_than_a_page": (
        "ce texte ne tient pas sur une page en grands caractères : il faut le raccourcir",
        "this text does not fit on a page in large type: it has to be shortened",
    ),
    "not_a_day": ("un jour est attendu, par exemple 31/12/2026", "a day is wanted, such as 31/12/2026"),
    "twice": ("deux fois le même", "the same one twice"),
    "made_of_a_list": (
        "cette commande vient d'une liste et en garde les lignes",
        "this order was made of a list and keeps its lines",
    ),
    "as_many_as_serials": ("autant que de chèques", "as many as there are vouchers"),
    "two_people": ("deux personnes différentes", "two different people"),
    "in_the_past": ("ce jour est passé", "that day is past"),
    "nothing_written": ("rien n'a été comptabilisé cette année-là", "nothing was booked in that year"),
    "in_the_future": ("ce jour n'est pas encore venu", "that day has not come yet"),
    "past_or_too_early": ("passé, ou avant le début du dispositif", "past, or before the programme starts"),
    "before_the_start": ("avant le premier jour", "before the first day"),
    "within_a_year": ("entre maintenant et dans un an", "between now and a year from now"),
    "not_a_target_day": ("aucune banque ne paie ce jour-là (TARGET)", "no bank pays on that day (TARGET)"),
    "hidden_characters": (
        "caractère de commande ou d'inversion du sens",
        "a control character, or one that turns text",
    ),
    "nothing_legible": ("rien de lisible", "nothing legible"),
    "not_an_email": ("ce n'est pas une adresse électronique", "this is not an e-mail address"),
    "not_a_colour": ("ce n'est pas une couleur comme #1d3f7c", "this is not a colour like #1d3f7c"),
    "not_a_logo": ("ce n'est pas une image PNG ou JPEG lisible", "this is not a PNG or JPEG picture that can be read"),
    "logo_too_big": (
        "l'image est trop grande (2 Mo et 20 millions de points au plus)",
        "the picture is too large (at most 2 MB and 20 million dots)",
    ),
    "logo_with_a_code": (
        "cette image contient un QR code, qui se confondrait avec celui du chèque",
        "this picture holds a QR code, which would be taken for the voucher's",
    ),
    "not_an_outline": (
        "ce n'est pas un contour de commune GeoJSON (polygones, en degrés)",
        "this is not the outline of a town in GeoJSON (polygons, in degrees)",
    ),
    "outline_too_fine": (
        "le contour a trop de points : prenez un contour simplifié",
        "the outline has too many points: take a simplified one",
    ),
    "not_a_host": ("ce n'est pas un nom d'hôte", "this is not a host name"),
    "not_a_phone": ("ce n'est pas un numéro de téléphone", "this is not a telephone number"),
    "not_a_coordinate": ("des degrés sont attendus, par exemple 49,4123", "degrees are wanted, such as 49.4123"),
    "not_a_photo": ("ce n'est pas une photo JPEG, PNG ou WebP lisible", "this is no legible JPEG, PNG or WebP photo"),
    "photo_too_large": ("la photo est trop lourde : 4 Mo au plus", "the photo is too large: 4 MB at most"),
    "too_many_pixels": ("la photo a trop de pixels", "the photo has too many pixels"),
    "lines_wrong": (
        "{count} lignes sont à corriger, ou à laisser de côté",
        "{count} lines are to be put right, or left out",
    ),
    "consent_missing": ("cochez la case pour continuer", "tick the box to go on"),
    "enrolled_already": ("ce commerce est déjà inscrit", "this shop is enrolled already"),
    "not_hours": ("des heures sont attendues, par exemple 9h-12h30, 14h-19h", "hours are wanted, such as 9:00-12:30"),
    "hours_order": (
        "deux plages au plus, l'une après l'autre, sans passer minuit (24h)",
        "at most two spans, one after the other, not over midnight (24:00)",
    ),
    "not_a_url": ("ce n'est pas une adresse du web", "this is not a web address"),
    "not_a_siret": (
        "ce n'est pas un SIRET (14 chiffres, clé comprise)",
        "this is not a SIRET (14 digits with their keys)",
    ),
    "not_an_iban": ("ce n'est pas un IBAN : la clé est fausse", "this is not an IBAN: its key is wrong"),
    "not_a_bic": ("ce n'est pas un BIC", "this is not a BIC"),
    "not_sepa": ("ce pays n'est pas dans l'espace SEPA", "this country is not in SEPA"),
    "holder_with_iban": ("le titulaire et l'IBAN vont ensemble", "the holder and the IBAN go together"),
    "not_a_public_key": ("ce n'est pas un point P-256 non compressé", "this is not an uncompressed P-256 point"),
    "not_a_till_secret": ("32 octets sont attendus", "32 bytes are wanted"),
    "key_or_secret": ("une clé publique, ou un secret à sa place", "a public key, or a secret in its place"),
    "not_a_cashier_here": ("ce commerce n'a pas cette personne en caisse", "this shop has no such cashier"),
    "four_digits": ("quatre chiffres sont attendus", "four digits are wanted"),
    "day_or_serial": ("un jour, ou un numéro de chèque", "a day, or a voucher's serial"),
    "for_a_buyers_role": ("pour un rôle d'acheteur, et lui seul", "for a buyer's role, and only for one"),
    "for_a_merchants_role": ("pour un rôle de commerçant, et lui seul", "for a merchant's role, and only for one"),
    "not_a_start": ("la fin vient avant le début", "the end comes before the start"),
    "before_the_last_day": ("elle vient avant la fin de validité", "it comes before the last day to spend"),
    "file_too_large": ("le fichier dépasse {most} Mo", "the file is larger than {most} MB"),
    "file_empty": (
        "le fichier est vide, ou n'a pas de lignes sous son en-tête",
        "the file is empty, or has no rows under its header",
    ),
    "file_pdf": (
        "c'est un PDF : demandez le tableau d'origine, en .xlsx ou .csv",
        "this is a PDF: ask for the table it was made from, as .xlsx or .csv",
    ),
    "file_old_xls": (
        "c'est un ancien classeur .xls : ouvrez-le et enregistrez-le en .xlsx",
        "this is an old .xls workbook: open it and save it as .xlsx",
    ),
    "file_locked": (
        "le classeur est protégé par un mot de passe : enregistrez-le sans mot de passe",
        "the workbook is locked with a password: save it without one",
    ),
    "file_not_a_table": (
        "ce n'est pas un tableau : il faut un fichier .xlsx ou .csv",
        "this is not a table: an .xlsx or .csv file is wanted",
    ),
    "file_broken": (
        "le classeur est abîmé : ouvrez-le et enregistrez-le de nouveau",
        "the workbook is damaged: open it and save it again",
    ),
    "file_bomb": ("le classeur, une fois ouvert, est trop grand", "the workbook is too large once opened"),
    "file_columns": ("il a plus de {most} colonnes", "it has more than {most} columns"),
    "file_rows": ("il a plus de {most} lignes", "it has more than {most} rows"),
    "file_row_wide": (
        "la ligne {line} a {cells} cellules, l'en-tête {columns}",
        "line {line} has {cells} cells, the header {columns}",
    ),
    "file_quotes": (
        "un guillemet est mal fermé à partir de la ligne {line}",
        "a quotation mark is not closed from line {line}",
    ),
    "bank_entities": (
        "il contient un DOCTYPE ou des entités, ce qu'aucune banque n'envoie : téléchargez-le de nouveau à la banque",
        "it holds a DOCTYPE or entities, which no bank sends: download it from the bank again",
    ),
    "bank_not_xml": (
        "ce n'est pas du XML lisible : téléchargez de nouveau le fichier à la banque, et envoyez-le sans l'ouvrir",
        "this is not legible XML: download the file from the bank again, and send it without opening it",
    ),
    "bank_other_message": (
        "c'est un message « {message} » ; demandez à la banque : {wanted}",
        "this is a '{message}' message; ask the bank for: {wanted}",
    ),
    "bank_element_missing": (
        "il manque {element} (ligne {line}) : signalez-le à la banque",
        "{element} is missing (line {line}): tell the bank",
    ),
    "bank_element_unreadable": (
        "{element} ne se lit pas : « {given} » (ligne {line}) ; signalez-le à la banque",
        "{element} cannot be read: '{given}' (line {line}); tell the bank",
    ),
    "bank_amount": (
        "« {given} » (ligne {line}) n'est pas un montant en euros et centimes : signalez-le à la banque",
        "'{given}' (line {line}) is not an amount in euros and cents: tell the bank",
    ),
    "bank_not_euros": (
        "{currency} (ligne {line}) : seuls les comptes et les opérations en euros se rapprochent",
        "{currency} (line {line}): only accounts and entries in euros are reconciled",
    ),
    "bank_balance": (
        "le relevé {statement} ne tombe pas juste : {opening_cents} et ses écritures font {computed_cents}, la clôture"
        " annonce {closing_cents}, soit {gap_cents} d'écart ; demandez le relevé complet à la banque",
        "statement {statement} does not add up: {opening_cents} and its entries make {computed_cents}, the closing"
        " says {closing_cents}, {gap_cents} apart; ask the bank for the whole statement",
    ),
    "bank_batch": (
        "l'opération {reference} est de {entry_cents}, ses détails font {details_cents} : demandez à la banque un"
        " relevé détaillé",
        "entry {reference} is {entry_cents}, its details make {details_cents}: ask the bank for a detailed statement",
    ),
    "bank_too_many_statements": (
        "il a plus de {most} relevés : prenez-les en plusieurs fichiers",
        "it has more than {most} statements: take them as several files",
    ),
    "bank_too_many": (
        "il a plus de {most} opérations : demandez à la banque un relevé par jour",
        "it has more than {most} entries: ask the bank for one statement a day",
    ),
    "unlike": ("elle n'a pas la forme attendue", "it does not have the wanted form"),
    "extra_forbidden": ("champ inconnu", "unknown field"),
    "int_type": ("un nombre entier est attendu", "a whole number is wanted"),
    "int_from_float": ("un nombre entier est attendu", "a whole number is wanted"),
    "int_parsing": ("un nombre entier est attendu", "a whole number is wanted"),
    "int_parsing_size": ("nombre trop grand", "the number is too large"),
    "bool_type": ("vrai ou faux est attendu", "true or false is wanted"),
    "string_type": ("un texte est attendu", "a text is wanted"),
    "string_too_short": ("texte trop court", "the text is too short"),
    "string_too_long": ("texte trop long", "the text is too long"),
    "string_pattern_mismatch": ("caractère ou forme refusés", "a character or the form is refused"),
    "string_unicode": ("texte illisible", "the text is unreadable"),
    "greater_than_equal": ("nombre trop petit", "the number is too small"),
    "greater_than": ("nombre trop petit", "the number is too small"),
    "less_than_equal": ("nombre trop grand", "the number is too large"),
    "list_type": ("une liste est attendue", "a list is wanted"),
    "too_short": ("liste trop courte", "the list is too short"),
    "too_long": ("liste trop longue", "the list is too long"),
    "literal_error": ("valeur inconnue", "unknown value"),
    "enum": ("valeur inconnue", "unknown value"),
    "not_a_paper": (
        "le code de 26 caractères du QR, ou le numéro suivi du code de contrôle",
        "the 26 characters of the QR code, or the number and then the control code",
    ),
    "instant": ("un instant AAAA-MM-JJTHH:MM:SSZ est attendu", "an instant YYYY-MM-DDTHH:MM:SSZ is wanted"),
    "day": ("un jour AAAA-MM-JJ est attendu", "a day YYYY-MM-DD is wanted"),
    "voucher_named_once": ("un code, ou un numéro et son code de contrôle", "a code, or a serial and its control code"),
    "model_attributes_type": ("un objet JSON est attendu", "a JSON object is wanted"),
    "model_type": ("un objet JSON est attendu", "a JSON object is wanted"),
    "dict_type": ("un objet JSON est attendu", "a JSON object is wanted"),
}

LACKING: Final = {
    # what an invoice cannot do without: (French, English)
    "service_code": ("le code service", "the service code"),
    "purchase_order": ("le numéro d'engagement", "the engagement number"),
    "purchase_order_short": (
        "un numéro d'engagement de 50 caractères au plus",
        "an engagement number of 50 characters at most",
    ),
    "service_code_or_purchase_order": (
        "le code service ou le numéro d'engagement",
        "the service code or the engagement number",
    ),
    "siret": ("le SIRET", "the SIRET"),
    "siret_or_email": (
        "le SIRET, ou une adresse e-mail de facturation",
        "the SIRET, or an e-mail address for invoices",
    ),
    "town": ("le code postal et la commune de l'adresse", "the postcode and town of the address"),
    "iban": ("l'IBAN", "the IBAN"),
    "vat_number": ("le numéro de TVA", "the VAT number"),
    "vat_rate": ("un taux de TVA", "a VAT rate"),
}

STATES_FR: Final = {
    # word of the tables: French; what stands in braces is added for a feminine noun
    "draft": "en préparation", "placed": "passé{e}", "approved": "approuvé{e}", "accepted": "accepté{e}",
    "paid": "payé{e}", "issuing": "en cours d'émission", "issued": "émis{e}", "delivered": "livré{e}",
    "cancelled": "annulé{e}", "printed": "imprimé{e}", "active": "acti{f}", "blocked": "bloqué{e}",
    "redeemed": "dépensé{e}", "expired": "périmé{e}", "replaced": "remplacé{e}", "proposed": "proposé{e}",
    "withdrawn": "retiré{e}", "exported": "donné{e} à la banque", "executed": "exécuté{e}", "ready": "prêt{e}",
    "opened": "ouvert{e}", "dropped": "abandonné{e}", "ordered": "commandé{e}", "purged": "effacé{e}",
    "open": "ouvert{e}", "guaranteed": "payé{e} par la garantie", "dismissed": "rejeté{e}",
    "done": "traité{e}", "set_aside": "écarté{e}",
}  # fmt: skip


def lacking(words: str, language: str) -> str:
    """Words of LACKING, with a comma between them, as a sentence says them."""
    return ", ".join(LACKING[word][1 if language == "en" else 0] for word in words.split(", "))


def states_fr(words: str, *, feminine: bool) -> str:
    """One state, or several with a comma between them, as a French sentence says them."""
    ending = {"e": "e", "f": "ve"} if feminine else {"e": "", "f": "f"}
    return " ou ".join(STATES_FR.get(word, word).format(**ending) for word in words.split(", "))
