// Everything the till says, in both languages, in one place: French first. Imported whole (`import * as words`), so that
// the build leaves out what no screen says and shortens every name.

import { euros } from "./money.ts";

/** The language chosen on this phone, or the browser's; a phone without storage simply follows its browser. */
function chosen(): string {
  try {
    return localStorage["language"] ?? navigator.language;
  } catch {
    return navigator.language;
  }
}

const english = /^en/i.test(chosen());

/** The other language from now on. Every word was chosen when the till opened, so it opens again. */
export function changeLanguage(): void {
  try {
    localStorage["language"] = english ? "fr" : "en";
  } catch {
    return; // nowhere to keep it: it follows the browser
  }
  location.reload();
}

const t = (fr: string, en: string): string => (english ? en : fr);
/** The plural mark of both languages. */
const s = (count: number): string => (count > 1 ? "s" : "");

export const language = t("fr-FR", "en-GB");
export const otherTag = t("en", "fr");
export const otherLanguage = t("English", "Français");
export const amount = (cents: number): string => euros(cents, language);
export const appName = t("Caisse chèques cadeaux", "Gift voucher till");
export const back = t("Retour", "Back");
export const cancel = t("Annuler", "Cancel");
export const goOn = t("Continuer", "Continue");
export const retry = t("Réessayer", "Try again");

export const pairTitle = t("Appairer ce téléphone", "Pair this phone");
export const pairIntro = t(
  "Pour encaisser des chèques cadeaux avec ce téléphone, il faut le relier une fois à votre boutique.",
  "To take gift vouchers with this phone, link it to your shop once.",
);
export const pairCode = t("Code d’appairage", "Pairing code");
export const pairCodeHint = t(
  "10 caractères, sur la lettre ou l’écran de la chambre.",
  "10 characters, on the chamber’s letter or screen.",
);
export const pairLabel = t("Nom de ce téléphone", "Name of this phone");
export const pairLabelDefault = t("Téléphone de la caisse", "Counter phone");
export const pairScan = t("Scanner le QR d’appairage", "Scan the pairing QR");
export const pairGo = t("Appairer", "Pair");
export const pairing = t("Appairage en cours…", "Pairing…");
export const pairCodeWrong = t(
  "Il faut 10 lettres ou chiffres. Vérifiez le code.",
  "Ten letters or digits are needed. Check the code.",
);
export const noAnswer = t(
  "Pas de réponse du serveur. Vérifiez le réseau, puis réessayez.",
  "No answer from the server. Check the network, then try again.",
);
export const pairNoKey = t(
  "Ce navigateur ne peut pas garder la clé du téléphone. Quittez la navigation privée, ou prenez un autre navigateur.",
  "This browser cannot keep the phone’s key. Leave private browsing, or use another browser.",
);
export const pairNotPairing = t("Ce n’est pas un QR d’appairage.", "This is not a pairing QR.");
export const revokedTitle = t("Ce téléphone n’est plus appairé", "This phone is no longer paired");
export const revokedIntro = t(
  "La chambre ou votre boutique l’a retiré. Demandez un nouveau code pour continuer.",
  "The chamber or your shop removed it. Ask for a new code to go on.",
);
export const revokedQueue = (count: number, amount: string): string => t(
  `Encore à envoyer\u00a0: ${count} chèque${s(count)}, ${amount}. L’envoi continue, n’effacez rien.`,
  `Still to be sent: ${count} voucher${s(count)}, ${amount}. Sending goes on, erase nothing.`,
);
export const leftBehind = t(
  "Encaissements restés sans réponse. Notez-les et appelez la chambre\u00a0:",
  "Redemptions that never got an answer. Note them and call the chamber:",
);

export const counterTitle = t("Présentez le chèque", "Show the voucher");
export const counterHint = t("QR entre les coins, à 15–20\u00a0cm.", "QR between the corners, 15–20\u00a0cm away.");
export const looking = t("Lu. On vérifie…", "Read. Checking…");
export const cameraOpen = t("Ouvrir la caméra", "Open the camera");
export const cameraWhy = t(
  "La caméra sert seulement à lire le QR des chèques. Aucune image n’est gardée ni envoyée.",
  "The camera only reads the QR of vouchers. No picture is kept or sent.",
);
export const cameraRestart = t("Relancer la caméra", "Restart the camera");
export const cameraStarting = t("La caméra démarre…", "Starting the camera…");
export const cameraRefused = t(
  "L’accès à la caméra est refusé. Autorisez-la dans les réglages du navigateur, ou saisissez le numéro.",
  "The camera is not allowed. Allow it in the browser’s settings, or type the number.",
);
export const cameraMissing = t(
  "Aucune caméra trouvée. Saisissez le numéro du chèque.",
  "No camera found. Type the voucher’s number.",
);
export const cameraBusy = t(
  "La caméra ne répond pas. Une autre application l’utilise peut-être.",
  "The camera does not answer. Another app may be using it.",
);
export const cameraBlind = t(
  "Ce navigateur ne sait pas lire les QR. Saisissez le numéro du chèque.",
  "This browser cannot read QR codes. Type the voucher’s number.",
);
export const torch = t("Lampe", "Lamp");
export const lens = t("Changer d’objectif", "Other lens");
export const lensShort = t("Objectif", "Lens");
export const restartShort = t("Relancer", "Restart");
export const photoShort = "Photo";
export const photo = t("Photo du QR", "Take a photo of the QR");
export const photoReading = t("On lit la photo…", "Reading the photo…");
export const photoNothing = t("Pas de QR lisible sur cette photo. Saisissez le numéro.", "No readable QR on this photo. Type the number.");
export const typeInstead = t("Saisir le numéro", "Type the number");
export const todayButton = t("Aujourd’hui", "Today");
export const offline = t("Pas de réseau", "No network");
export const offlineSince = (moment: string): string => t(`Hors ligne · liste de ${moment}`, `Offline · list of ${moment}`);
export const alreadyInBasket = t("Ce chèque est déjà dans le panier.", "This voucher is already in the basket.");
export const basketFull = t(
  "Le panier est plein\u00a0: 20 chèques au plus.",
  "The basket is full: 20 vouchers at most.",
);
export const basketPill = (count: number, amount: string): string => `${basketTitle} · ${basketSum(count)} · ${amount}`;
export const waitingPill = (count: number, moment: string, amount: string): string => t(
  `${count} en attente depuis ${moment} · ${amount}`,
  `${count} waiting since ${moment} · ${amount}`,
);

export const voucherTitle = t("Chèque valable", "Voucher is good");
export const basketTitle = t("Panier", "Basket");
export const notYet = t("Pas encore encaissé", "Not taken yet");
/** A voucher judged without network shows no number. */
export const serial = (serial: number | null): string => (
  serial === null ? t("Chèque", "Voucher") : t("N°", "No.") + "\u00a0" + String(serial).padStart(7, "0")
);
export const judgedOffline = t("Vérifié sans réseau", "Checked offline");
export const untilDay = (day: string): string => t(`À utiliser jusqu’au ${day}`, `Use by ${day}`);
export const remainder = (balance: string, face: string): string => t(
  `Reste ${balance} sur ${face}`,
  `${balance} left of ${face}`,
);
export const redeem = (amount: string): string => t(`Encaisser ${amount}`, `Take ${amount}`);
export const addAnother = t("Ajouter un chèque", "Add a voucher");
export const giveUp = t("Ne pas encaisser", "Do not take it");
export const takeOut = (serial: string): string => t(`Retirer le chèque ${serial}`, `Take out voucher ${serial}`);
export const basketSum = (count: number): string => t(`${count} chèque${s(count)}`, `${count} voucher${s(count)}`);
export const saleTotal = t("Montant à payer (facultatif)", "Amount to pay (optional)");
export const saleWrong = t("Écrivez un montant, par exemple 23,50.", "Write an amount, for example 23.50.");
export const stillToPay = (amount: string): string => t(`Reste à payer\u00a0: ${amount}`, `Left to pay: ${amount}`);
export const leftShort = (amount: string): string => t(`reste ${amount}`, `${amount} to pay`);
export const noChange = (amount: string): string => t(
  `Pas de monnaie rendue\u00a0: ${amount} de plus que l’achat.`,
  `No change is given: ${amount} more than the sale.`,
);
export const partLeft = (amount: string): string => t(
  `Il restera ${amount} sur les chèques.`,
  `${amount} will be left on the vouchers.`,
);

export const asking = t("On encaisse…", "Taking the voucher…");
export const askingUndo = t("On annule…", "Undoing…");
export const unknownTitle = t("On ne sait pas encore", "Not known yet");
export const unknownText = t(
  "Le réseau n’a pas répondu. On redemande\u00a0: le chèque ne sera jamais pris deux fois.",
  "The network did not answer. We ask again: the voucher can never be taken twice.",
);
export const unknownDoNot = t(
  "Ne rendez pas le chèque et ne rescannez pas\u00a0: attendez la réponse.",
  "Do not hand the voucher back and do not scan it again: wait for the answer.",
);
export const unknownNext = (seconds: number): string => t(
  `Nouvel essai dans ${seconds}\u00a0s`,
  `Next try in ${seconds}\u00a0s`,
);
export const unknownNow = t("On redemande…", "Asking again…");
export const askAgain = t("Redemander maintenant", "Ask again now");
export const putAside = t("Servir le client suivant", "Serve the next customer");
export const askedAt = (moment: string): string => t(`Demandé\u00a0: ${moment}`, `Asked: ${moment}`);

export const accepted = t("Accepté", "Accepted");
export const acceptedLate = t("Finalement accepté", "Accepted after all");
export const acceptedText = (count: number): string => t(
  `${count} chèque${s(count)} encaissé${s(count)}`,
  `${count} voucher${s(count)} taken`,
);
export const queued = t("Accepté, à confirmer", "Accepted, to be confirmed");
export const queuedText = t(
  "Sans réseau. Vous serez payé quand le réseau aura confirmé.",
  "No network. You are paid once the network confirms.",
);
export const keepPaper = t("Gardez le chèque.", "Keep the voucher.");
export const disputed = t("Chèque en litige", "Voucher in dispute");
export const disputedTaken = (moment: string): string => t(`Accepté hors ligne\u00a0: ${moment}`, `Accepted offline: ${moment}`);
export const disputedPaid = (amount: string): string => t(
  `La garantie vous paie ${amount}.`,
  `The guarantee pays you ${amount}.`,
);
export const disputedOpen = t(
  "La chambre décidera s’il est payé. Gardez le chèque.",
  "The chamber will decide whether it is paid. Keep the voucher.",
);
export const unread = t("Encaissement illisible", "Redemption unreadable");
export const unreadText = t(
  "Le serveur ne l’a pas reconnu. Gardez le chèque et appelez la chambre.",
  "The server did not recognise it. Keep the voucher and call the chamber.",
);
export const undo = t("Annuler cet encaissement", "Undo this redemption");
export const undoTitle = (amount: string): string => t(
  `Annuler l’encaissement de ${amount}\u00a0?`,
  `Undo the redemption of ${amount}?`,
);
export const undoText = t(
  "Le client récupère ses chèques, vous ne serez pas payé pour cette vente.",
  "The customer gets the vouchers back; you will not be paid for this sale.",
);
export const undoYes = t("Oui, annuler", "Yes, undo");
export const undoNo = t("Non, garder", "No, keep it");
export const undoPinAsk = t("Code du responsable", "Owner’s PIN");
export const undone = t("Encaissement annulé", "Redemption undone");
export const undoneText = t("Rendez les chèques au client.", "Hand the vouchers back to the customer.");
export const undoReason = t("Annulé à la caisse", "Undone at the till");

export const refused = t("Refusé", "Refused");
export const refusedOther = t("Demande non acceptée", "Request not accepted");
export const foreign = t("Ce n’est pas un de nos chèques", "Not one of our vouchers");
export const foreignText = t("Ce QR n’a été ni gardé ni envoyé.", "This QR was neither kept nor sent.");
export const pairingSeen = t("C’est un code d’appairage", "This is a pairing code");
export const pairingSeenText = t(
  "Ce téléphone est déjà appairé. Rien à faire.",
  "This phone is already paired. Nothing to do.",
);
export const trainingSeen = t("Chèque d’entraînement", "Training voucher");
export const trainingSeenText = t("Il ne vaut rien.", "It is worth nothing.");
export const say = t("À dire au client", "Tell the customer");
export const quoted = (text: string): string => t(`«\u00a0${text.replace(/ (?=[:;!?])/g, "\u00a0")}\u00a0»`, `“${text}”`);
export const usedOwnShop = t("Déjà pris dans votre boutique", "Already taken in your shop");
export const usedElsewhere = (shop: string): string => t(`Déjà pris chez ${shop}`, `Already taken at ${shop}`);
export const usedUnknownShop = t("Déjà pris dans une autre boutique", "Already taken in another shop");
export const usedToday = (time: string): string => t(`Aujourd’hui à ${time}`, `Today at ${time}`);
export const expiredOn = (day: string): string => t(`Dernier jour\u00a0: ${day}`, `Last day: ${day}`);
export const nothingTaken = t("Rien n’a été encaissé.", "Nothing was taken.");
export const orNext = t("Ou présentez le chèque suivant.", "Or show the next voucher.");
export const culprit = (serial: string): string => t(`Refusé à cause du ${serial}`, `Refused because of ${serial}`);
export const place = (number: number, amount: string): string => t(
  `chèque ${number} du panier (${amount})`,
  `voucher ${number} of the basket (${amount})`,
);
export const backToBasket = t("Revenir au panier", "Back to the basket");
export const silent = t("Chèque non vérifié", "Voucher not checked");
export const silentText = t(
  "Le réseau n’a pas répondu. Rien n’a été encaissé.",
  "The network did not answer. Nothing was taken.",
);
export const broken = t("Ce téléphone ne peut pas noter", "This phone cannot take notes");
export const brokenText = t(
  "Sa mémoire ne répond pas, alors rien n’a été envoyé. Fermez l’application et ouvrez-la de nouveau.",
  "Its storage does not answer, so nothing was sent. Close the app and open it again.",
);
export const storageText = t(
  "Sans mémoire, pas de caisse. Quittez la navigation privée ou libérez de la place, puis réessayez.",
  "No storage, no till. Leave private browsing or free some space, then try again.",
);
export const elsewhere = t("Caisse ouverte dans un autre onglet", "The till is open in another tab");
export const elsewhereText = t("Une seule à la fois encaisse.", "Only one at a time takes vouchers.");
export const takeOver = t("Continuer ici", "Go on here");

export const typedTitle = t("Saisir un chèque", "Type a voucher");
export const typedIntro = t(
  "Si le QR est abîmé\u00a0: le numéro et le code de contrôle sont imprimés dessous.",
  "If the QR is damaged: the number and the control code are printed below it.",
);
export const typedSerial = t("Numéro du chèque", "Voucher number");
export const typedControl = t("Code de contrôle", "Control code");
export const typedControlHint = t("10 caractères, en deux groupes de cinq.", "10 characters, in two groups of five.");
export const typedSerialWrong = t("Le numéro n’a que des chiffres.", "The number has digits only.");
export const typedControlWrong = t(
  "Il y a une erreur dans ce code. Relisez-le sur le chèque.",
  "There is a mistake in this code. Read it again on the voucher.",
);
export const typedGo = t("Vérifier", "Check");

export const todayTitle = t("Aujourd’hui", "Today");
export const todaySum = (count: number): string => t(`${count} encaissement${s(count)}`, `${count} redemption${s(count)}`);
export const todayNone = t("Aucun encaissement aujourd’hui.", "No redemption today.");
export const todayMore = t(
  "Seuls les derniers encaissements sont montrés.",
  "Only the latest redemptions are shown.",
);
export const reading = t("On lit…", "Reading…");
export const todayUndone = t("Annulé", "Undone");
export const todayUndo = (amount: string): string => t(`Annuler ${amount}`, `Undo ${amount}`);
export const undoShort = t("Annuler", "Undo");
export const waits = t("En attente", "Waiting");
export const askShort = t("Voir", "See");
export const sendNow = t("Envoyer maintenant", "Send now");
export const searchGo = t("Chercher", "Find");
export const search = t("Chercher un chèque", "Find a voucher");
export const searchNone = t("Ce chèque n’a pas été pris ici.", "This voucher was not taken here.");
export const account = t("À recevoir", "To be paid");
export const accountOwed = t("Encaissé", "Taken");
export const accountFee = t("Commission, TVA comprise", "Commission with VAT");
export const accountNet = t("Prochain virement", "Next transfer");
export const accountSince = (day: string): string => t(`Depuis le ${day}`, `Since ${day}`);
export const disputes = t("Litiges", "Disputes");
export const none = t("Rien ici.", "Nothing here.");

export const onDuty = t("Qui encaisse\u00a0?", "Who is at the till?");
export const nobody = t("Personne", "Nobody");
export const pinOf = (name: string): string => t(`Code de ${name}`, `${name}’s PIN`);
export const pinTyped = (count: number): string => t(`${count} chiffre${s(count)} sur 4`, `${count} of 4 digits`);
export const pinWrong = (left: number): string => t(
  `Code faux. Encore ${left} essai${s(left)}.`,
  `Wrong PIN. Tries left: ${left}.`,
);
export const pinLocked = (moment: string): string => t(
  `Trop d’essais. Réessayez à ${moment}.`,
  `Too many tries. Try again at ${moment}.`,
);
export const pinBack = t("Effacer", "Erase");

export const menu = t("Menu", "Menu");
export const training = t("Entraînement", "Training");
export const trainingBanner = t("Entraînement\u00a0: rien n’est encaissé", "Training: nothing is taken");
export const trainingSay = t("Ce chèque a déjà été utilisé.", "This voucher was already used.");
export const trainingReal = t("Finissez l’entraînement pour l’encaisser.", "End the training to take it.");
export const trainingStop = t("Finir l’entraînement", "End training");
export const trainingSheet = t("Feuille d’entraînement (PDF)", "Training sheet (PDF)");
export const version = (build: string): string => `Version ${build}`;
export const install = t("Installer l’application", "Install the app");
export const installWhy = t(
  "Installée, la caisse s’ouvre d’un geste, même sans réseau.",
  "Installed, the till opens at once, even offline.",
);
export const installMenu = t(
  "Pour installer\u00a0: menu du navigateur, puis «\u00a0Ajouter à l’écran d’accueil\u00a0».",
  "To install: the browser’s menu, then “Add to Home screen”.",
);
export const installIPhone = t(
  "iPhone\u00a0: installez d’abord. Touchez Partager, puis «\u00a0Sur l’écran d’accueil\u00a0», et ouvrez la caisse de là.",
  "iPhone: install first. Tap Share, then “Add to Home Screen”, and open the till from there.",
);

export const owner = t("Ma boutique", "My shop");
export const ownerIntro = t("Pour le responsable. Quitter cette page déconnecte.", "For the owner. Leaving this page signs out.");
export const email = t("Adresse e-mail", "E-mail address");
export const password = t("Mot de passe", "Password");
export const signIn = t("Se connecter", "Sign in");
export const signOut = t("Se déconnecter", "Sign out");
export const tills = t("Caisses", "Tills");
export const tillName = t("Nom de la caisse", "Name of the till");
export const thisPhone = t("ce téléphone", "this phone");
export const weak = t("Clé faible\u00a0: préférez un autre téléphone.", "Weak key: prefer another phone.");
export const edit = t("Modifier", "Change");
export const keep = t("Enregistrer", "Save");
export const add = t("Ajouter", "Add");
export const remove = t("Retirer", "Remove");
export const removeSure = t("Oui, retirer", "Yes, remove");
export const revokeReason = t("Retirée par la boutique", "Removed by the shop");
export const tillAdd = t("Ajouter une caisse", "Add a till");
export const newCode = (moment: string, address: string): string => t(
  `Sur l’autre téléphone, ouvrez ${address} et tapez ce code avant ${moment}.`,
  `On the other phone, open ${address} and type this code before ${moment}.`,
);
export const cashiers = t("Qui encaisse", "Cashiers");
export const cashierName = t("Prénom", "First name");
export const cashierPin = t("Son code à 4 chiffres", "Their 4-digit PIN");
export const askCashier = t("Demander qui encaisse", "Ask who is at the till");
export const undoPin = t("Code pour annuler", "PIN to undo");
export const undoPinOn = t("Demandé à chaque annulation.", "Asked at each undo.");
export const undoPinOff = t("Annuler ne demande pas de code.", "Undoing asks for no PIN.");
export const undoPinNew = t("Nouveau code à 4 chiffres", "New 4-digit PIN");
export const statements = t("Relevés", "Statements");
export const statement = (day: string, amount: string): string => t(`Au ${day} · ${amount}`, `To ${day} · ${amount}`);

export const starting = t("Ouverture de la caisse…", "Opening the till…");
export const unsupported = t(
  "Ce navigateur est trop ancien pour encaisser. Mettez-le à jour, ou prenez un autre téléphone.",
  "This browser is too old to take vouchers. Update it, or use another phone.",
);


export const refusals: Record<string, string> = {
  voucher_unknown: t("Chèque inconnu", "Unknown voucher"),
  voucher_not_active: t("Pas encore activé", "Not active yet"),
  voucher_blocked: t("Chèque bloqué", "Voucher blocked"),
  already_redeemed: t("Déjà utilisé", "Already used"),
  voucher_expired: t("Date dépassée", "Past its date"),
  voucher_cancelled: t("Chèque annulé", "Voucher cancelled"),
  voucher_replaced: t("Chèque remplacé", "Voucher replaced"),
  voucher_not_started: t("Pas encore valable", "Not valid yet"),
  voucher_closed: t("Chèque clos", "Voucher closed"),
  merchant_suspended: t("Boutique suspendue", "Shop suspended"),
  pin_wrong: t("Code faux", "Wrong PIN"),
  till_revoked: t("Téléphone retiré avant l’envoi", "Phone removed before sending"),
  too_many_attempts: t("Trop d’essais", "Too many tries"),
  window_closed: t("Trop tard pour annuler", "Too late to undo"),
  already_reversed: t("Déjà annulé", "Already undone"),
  offline_stale: t("Pas vérifiable sans réseau", "Cannot be checked offline"),
  offline_unknown: t("Pas dans la liste hors ligne", "Not in the offline list"),
  offline_cap: t("Plafond hors ligne atteint", "Offline limit reached"),
  offline_queued: t("Déjà pris ici", "Already taken here"),
  training_real: t("C’est un vrai chèque", "This voucher is real"),
  offline_unsure: t("Peut-être déjà pris ici", "Perhaps already taken here"),
};

/** What to tell the customer when no server does. */
export function sayOffline(reason: string): string {
  if (reason === "offline_queued") return t("Ce chèque a déjà été pris ici.", "This voucher was already taken here.");
  if (reason === "voucher_expired") return t("La date de ce chèque est passée.", "This voucher is past its date.");
  return t(
    "Sans réseau, je ne peux pas le prendre. Gardez-le, il n’est pas perdu.",
    "Without network I cannot take it. Keep it, it is not lost.",
  );
}
