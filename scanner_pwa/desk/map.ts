// The shops on a map of their town: an extra to the list, which says the same. Drawn once it comes into view, from our
// own address; the ground under it is asked of another host only where one is set (and the page's policy names it).
import * as L from "leaflet";
import type { Geometry } from "geojson";

interface Place {
  id: number;
  name: string;
  trade: string;
  latitude_e6: number;
  longitude_e6: number;
}
interface Places {
  outline: Geometry | null;
  shops: Place[];
  matching: number;
}

const PIN_PX = 32;
const APART_PX = 40;
const section = document.getElementById("carte");
const frame = section?.querySelector<HTMLElement>(".town-map");
if (section && frame) {
  section.hidden = false;
  for (const link of document.querySelectorAll<HTMLElement>(".to-map")) link.hidden = false;
  const inView = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    inView.disconnect();
    draw(frame, section).catch(() => { section.hidden = true; });
  }, { rootMargin: "300px" });
  inView.observe(frame);
}

async function draw(frame: HTMLElement, section: HTMLElement): Promise<void> {
  const words = frame.dataset;
  const answer = await fetch(words["from"] ?? "", { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const places = (await answer.json()) as Places;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(frame, {
    zoomControl: false, scrollWheelZoom: false, maxZoom: 18, zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still,
  });
  map.attributionControl.setPrefix(false);
  L.control.zoom({ position: "bottomright", zoomInTitle: words["nearer"] ?? "", zoomOutTitle: words["farther"] ?? "" }).addTo(map);
  if (words["tiles"]) {
    const credit = document.createElement("span");
    credit.textContent = words["credit"] ?? "";
    L.tileLayer(words["tiles"], { attribution: credit.innerHTML, maxZoom: 19 }).addTo(map);
  }
  const bounds = L.latLngBounds([]);
  if (places.outline) {
    const outline = L.geoJSON(places.outline, { interactive: false, style: { className: "town-outline" } }).addTo(map);
    bounds.extend(outline.getBounds());
  }
  for (const one of places.shops) bounds.extend(where(one));
  if (!bounds.isValid()) throw new Error("nothing to show");
  map.fitBounds(bounds, { padding: [24, 24], maxZoom: 16, animate: false });
  const pins = L.layerGroup().addTo(map);
  const place = (): void => {
    pins.clearLayers();
    for (const near of grouped(map, places.shops)) pins.addLayer(pin(near, words));
  };
  place();
  map.on("zoomend", place);
  const more = section.querySelector<HTMLElement>("[data-more]");
  if (more && places.matching > places.shops.length) {
    more.textContent = (more.dataset["more"] ?? "").replace("{shown}", String(places.shops.length));
    more.hidden = false;
  }
}

function where(one: Place): L.LatLng {
  return L.latLng(one.latitude_e6 / 1e6, one.longitude_e6 / 1e6);
}

/** Shops that would lie on one another at this scale share a pin, so that every pin can be touched. */
function grouped(map: L.Map, shops: Place[]): Place[][] {
  const groups: { at: L.Point; shops: Place[] }[] = [];
  for (const one of shops) {
    const at = map.latLngToLayerPoint(where(one));
    const near = groups.find((group) => group.at.distanceTo(at) < APART_PX);
    if (near) near.shops.push(one);
    else groups.push({ at, shops: [one] });
  }
  return groups.map((group) => group.shops);
}

function pin(near: Place[], words: DOMStringMap): L.Marker {
  const [first] = near as [Place];
  const several = near.length > 1;
  const icon = L.divIcon({
    className: several ? "pin several" : "pin", iconSize: [PIN_PX, PIN_PX], html: several ? String(near.length) : "",
  });
  const marker = L.marker(where(first), { icon, title: near.map((one) => one.name).join(", ") });
  // Elements, not HTML: a shop's name is text, whatever stands in it.
  const said = document.createElement("ul");
  for (const one of near) {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${words["shops"] ?? ""}${one.id}${words["asked"] ?? ""}`;
    link.textContent = one.name;
    line.append(link, document.createElement("br"), one.trade);
    said.append(line);
  }
  marker.bindPopup(said, { maxHeight: 220 });
  marker.on("popupopen", () => {
    marker.getPopup()?.getElement()?.querySelector(".leaflet-popup-close-button")?.setAttribute("aria-label", words["close"] ?? "");
  });
  return marker;
}
