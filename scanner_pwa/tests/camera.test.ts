// The camera against a browser's devices, as phones differ in them.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Camera } from "../src/camera.ts";
import { pieces } from "../src/photo.ts";

interface Track { deviceId: string; readyState: string; muted: boolean; wishes: object[] }

const LENSES = { wide: "camera2 2, facing back", main: "camera2 0, facing back", selfie: "camera2 1, facing front" };
let opened: Track[];
let abilities: object;
let gone: string[];
let shelf: Map<string, string>;

beforeEach(() => {
  opened = [];
  abilities = { torch: true, focusMode: ["manual", "continuous"] };
  gone = [];
  shelf = new Map();
  const getUserMedia = async ({ video }: { video: { deviceId?: { exact: string } } }): Promise<object> => {
    assert.ok(opened.every(({ readyState }) => readyState === "ended"), "a second stream would kill the first");
    const deviceId = video.deviceId?.exact ?? "wide";
    if (gone.includes(deviceId)) throw new DOMException("gone", "OverconstrainedError");
    const track: Track = { deviceId, readyState: "live", muted: false, wishes: [] };
    opened.push(track);
    const shown = Object.assign(track, {
      stop: () => { track.readyState = "ended"; },
      getCapabilities: () => abilities,
      getSettings: () => ({ deviceId }),
      applyConstraints: async ({ advanced }: { advanced: object[] }) => { track.wishes.push(...advanced); },
    });
    return { getVideoTracks: () => [shown], getTracks: () => [shown] };
  };
  const enumerateDevices = async (): Promise<object[]> => {
    assert.ok(opened.some(({ readyState }) => readyState === "live"), "names are known only while the camera is open");
    return Object.entries(LENSES).map(([deviceId, label]) => ({ kind: "videoinput", deviceId, label }));
  };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia, enumerateDevices } }, configurable: true });
  const localStorage = {
    getItem: (name: string) => shelf.get(name) ?? null,
    setItem: (name: string, value: string) => void shelf.set(name, value),
    removeItem: (name: string) => void shelf.delete(name),
  };
  Object.defineProperty(globalThis, "localStorage", { value: localStorage, configurable: true, writable: true });
});

test("one stream serves everyone who asks, and it keeps focusing", async () => {
  const camera = new Camera();
  const [one, other] = await Promise.all([camera.open(), camera.open()]);
  assert.equal(one, other);
  assert.equal(opened.length, 1);
  assert.deepEqual(opened[0]?.wishes, [{ focusMode: "continuous" }]);
});

test("the lamp is offered where there is one, and goes out with the stream", async () => {
  const camera = new Camera();
  await camera.open();
  assert.equal(camera.torch, false);
  await camera.switchTorch();
  assert.equal(camera.torch, true);
  assert.deepEqual(opened[0]?.wishes.at(-1), { torch: true });
  camera.close();
  abilities = {};
  await camera.open();
  assert.equal(camera.torch, null);
});

test("lenses at the back take turns, the one that was chosen is taken the next day", async () => {
  const camera = new Camera();
  await camera.open();
  assert.deepEqual(camera.lenses, ["wide", "main"]);
  camera.nextLens();
  await camera.open();
  assert.equal(opened.at(-1)?.deviceId, "main");
  camera.close();
  const tomorrow = new Camera();
  await tomorrow.open();
  assert.equal(opened.at(-1)?.deviceId, "main");
});

test("a lens that is gone is forgotten, and the phone's own choice taken", async () => {
  shelf.set("lens", "main");
  gone = ["main"];
  await new Camera().open();
  assert.equal(opened.at(-1)?.deviceId, "wide");
  assert.equal(shelf.has("lens"), false);
});

test("a phone that keeps nothing can still change the lens", async () => {
  const refused = (): never => { throw new DOMException("no", "SecurityError"); };
  Object.defineProperty(globalThis, "localStorage", { get: refused, configurable: true });
  const camera = new Camera();
  await camera.open();
  camera.nextLens();
  await camera.open();
  assert.equal(opened.at(-1)?.deviceId, "main");
});

test("a camera lost in a pause is opened anew, and its trouble is named", async () => {
  const camera = new Camera();
  await camera.open();
  opened[0]!.muted = true;
  assert.equal(camera.healthy(), false);
  await camera.open();
  assert.equal(opened.length, 2);
  camera.close();
  gone = ["wide"];
  await assert.rejects(camera.open(), (trouble) => trouble === "busy");
});

test("a photo is looked at whole, then in overlapping pieces from its middle", () => {
  const cut = pieces(4000, 3000);
  assert.deepEqual([cut[0]?.width, cut[0]?.height], [4000, 3000]);
  assert.deepEqual([cut[1]?.left, cut[1]?.top, cut[1]?.width], [1000, 750, 2000]);
  for (const { left, top, width, height } of cut) assert.ok(left >= 0 && top >= 0 && left + width <= 4000 && top + height <= 3000);
  const smallest = cut.at(-1)!.width;
  for (let x = 0; x + smallest / 2 <= 4000; x += 50) {
    assert.ok(cut.some(({ left, width }) => left <= x && x + smallest / 2 <= left + width), `a code at ${x} is whole in a piece`);
  }
});
