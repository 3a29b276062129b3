// What every page does with a script, and can do without: a form that is being sent is not sent twice by an impatient
// hand, the menu is closed on a phone, and the first wrong field is in view.
const forms = document.querySelectorAll<HTMLFormElement>("form[method=post]");
for (const form of forms) {
  form.addEventListener("submit", () => {
    const buttons = form.querySelectorAll<HTMLButtonElement>("button");
    // After this turn: a button that is disabled now would not be sent with its value.
    setTimeout(() => buttons.forEach((button) => (button.disabled = true)));
    // A download leaves the page where it is.
    setTimeout(() => buttons.forEach((button) => (button.disabled = false)), 8000);
  });
}
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll<HTMLButtonElement>("form[method=post] button:disabled")) button.disabled = false;
});

const menu = document.querySelector<HTMLDetailsElement>(".menu details");
const wide = matchMedia("(min-width: 68rem)");
// Beside the page it always stands open; above it, it is opened by a hand.
const place = () => { if (menu) menu.open = wide.matches; };
place();
wide.addEventListener("change", place);
const toMend = document.querySelector<HTMLElement>("[aria-invalid=true]");
toMend?.focus();
toMend?.scrollIntoView({ block: "center" });
