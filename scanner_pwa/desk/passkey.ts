// A passkey: the page carries what is asked, the device answers, the form is sent. Without this script, or in a browser
// that knows no passkeys, the form stays hidden and the password does.
type Json = Record<string, unknown>;

const bytes = (text: string): Uint8Array<ArrayBuffer> => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
};
const text = (buffer: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

interface Named { id: string; type: "public-key"; transports?: AuthenticatorTransport[] }
const known = (listed: Named[] = []): PublicKeyCredentialDescriptor[] =>
  listed.map((one) => ({ ...one, id: bytes(one.id) }));

async function create(asked: Json): Promise<Json | null> {
  const user = asked["user"] as { id: string; name: string; displayName: string };
  const publicKey = {
    ...asked,
    challenge: bytes(asked["challenge"] as string),
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: known(asked["excludeCredentials"] as Named[] | undefined),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
  if (!made) return null;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    ...shared(made),
    response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) },
  };
}

async function get(asked: Json): Promise<Json | null> {
  const publicKey = {
    ...asked,
    challenge: bytes(asked["challenge"] as string),
    allowCredentials: known(asked["allowCredentials"] as Named[] | undefined),
  } as unknown as PublicKeyCredentialRequestOptions;
  const signed = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null;
  if (!signed) return null;
  const response = signed.response as AuthenticatorAssertionResponse;
  return {
    ...shared(signed),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

const shared = (credential: PublicKeyCredential): Json => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  clientExtensionResults: {},
});

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
  if (!("PublicKeyCredential" in window)) break;
  form.hidden = false;
  document.body.classList.add("knows-passkeys");
  const answer = form.querySelector<HTMLInputElement>("input[name=answer]");
  const failed = form.querySelector<HTMLElement>(".wrong");
  if (!answer) continue;
  // Before the listener of every form, which counts on being the last to know that it is sent.
  form.addEventListener("submit", (event) => {
    if (answer.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (failed) failed.hidden = true;
    const asked = JSON.parse(form.dataset["options"] ?? "{}") as Json;
    (form.dataset["passkey"] === "create" ? create(asked) : get(asked))
      .then((given) => {
        if (!given) throw new Error("no credential");
        answer.value = JSON.stringify(given);
        form.requestSubmit();
      })
      .catch(() => {
        if (failed) failed.hidden = false;
      });
  }, { capture: true });
}
addEventListener("pageshow", () => {
  for (const answer of document.querySelectorAll<HTMLInputElement>("form[data-passkey] input[name=answer]")) answer.value = "";
});
