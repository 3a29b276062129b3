// The voucher is drawn anew while one types: what stands in the form goes to the server, a picture comes back.
const WAIT_MS = 350;
const picture = document.querySelector<HTMLImageElement>("img[data-preview]");
const form = document.querySelector<HTMLFormElement>("main form.sheet");
const wrong = document.querySelector<HTMLElement>("#apercu-wrong");

if (picture && form) {
  let waiting: number | undefined;
  let asked: AbortController | undefined;
  let shown = "";

  const draw = async (): Promise<void> => {
    asked?.abort();
    const mine = (asked = new AbortController());
    picture.toggleAttribute("data-stale", true);
    try {
      const answer = await fetch(picture.dataset.preview ?? "", { method: "POST", body: new FormData(form), signal: mine.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const drawn = URL.createObjectURL(await answer.blob());
      if (shown) URL.revokeObjectURL(shown);
      picture.src = shown = drawn;
      picture.toggleAttribute("data-stale", false);
      if (wrong) wrong.textContent = "";
    } catch {
      // A later one is under way, or the network is gone: the last picture stays, pale, and the form still works.
      if (!mine.signal.aborted && wrong) wrong.textContent = wrong.dataset.fault ?? "";
    }
  };
  const soon = (): void => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void draw(), WAIT_MS);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  // A form that came back is shown as it stands in it.
  if (document.querySelector("#refusal")) soon();
}
