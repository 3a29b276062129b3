// How the till becomes an app: Android offers it, an iPhone wants to be told where to tap.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import * as words from "../words.ts";

/** Of Chrome, before it is standard. */
interface Offer extends Event { prompt(): Promise<unknown> }

let offer: Offer | null = null;
let heard = (): void => undefined;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event as Offer;
  heard();
});
addEventListener("appinstalled", () => {
  offer = null;
  heard();
});

export const onIPhone = "standalone" in navigator;
export const installed = (): boolean =>
  matchMedia("(display-mode: standalone)").matches || (navigator as { standalone?: boolean }).standalone === true;

export function Install(): JSX.Element | null {
  const [, again] = useState(0);
  useEffect(() => {
    heard = () => again((count) => count + 1);
    return () => { heard = () => undefined; };
  }, []);
  if (installed()) return null;
  const button = offer && !onIPhone;
  return (
    <div class="notice calm" data-testid="install">
      <p>{onIPhone ? words.installIPhone : button ? words.installWhy : words.installMenu}</p>
      {button && (
        <button class="secondary wide" onClick={() => void offer?.prompt()} data-testid="install-go">{words.install}</button>
      )}
    </div>
  );
}
