// The code of a letter's link stands after its '#', which no server sees: written into the field, and out of the
// address, so that it does not stay in the browser's history.
const field = document.querySelector<HTMLInputElement>("input[name=code]");
const code = decodeURIComponent(location.hash.slice(1));
if (field && /^[0-9A-Za-z-]{8,30}$/.test(code)) {
  field.value = code;
  history.replaceState(null, "", location.pathname);
}
