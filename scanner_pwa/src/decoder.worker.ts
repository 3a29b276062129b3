// Reads a QR in a picture: zxing, and on a miss zxing once more on the same picture enlarged. That second look reads
// more blurred, dim, faded and far codes than the second decoder that stood here, in the same time and 13 kB less.
import { prepareZXingModule, type ZXingReaderModule } from "zxing-wasm/reader";

/** The library's module, with its memory, whose types it takes from elsewhere. */
type Reader = {
  _malloc: (bytes: number) => number;
  _free: (place: number) => void;
  HEAPU8: Uint8Array;
  readBarcodesFromPixmap: (...asked: Asked) => ReturnType<ZXingReaderModule["readBarcodesFromPixmap"]> & { delete: () => void };
};
type Asked = Parameters<ZXingReaderModule["readBarcodesFromPixmap"]>;
type Frame = { id: number } & ({ bitmap: ImageBitmap } | { pixels: ArrayBuffer; width: number; height: number });

// In the numbers of zxing itself: the library's own names for them weigh 2 kB. Black on white; one code, found at any
// angle without turning the picture; of the usual model, since a "micro" QR has too small a checksum to be believed.
const OPTIONS: Asked[3] = {
  formats: "QRCodeModel2", maxNumberOfSymbols: 1, tryHarder: true, tryDownscale: true, downscaleFactor: 3,
  downscaleThreshold: 500, tryRotate: false, tryInvert: false, tryDenoise: false, binarizer: 0, isPure: false,
  minLineCount: 2, validateOptionalChecksum: false, returnErrors: false, eanAddOnSymbol: 0, textMode: 0,
  characterSet: 0, tryCode39ExtendedMode: false,
};
const LARGER = 1.5;
/** Beyond this a picture has dots enough, and an old phone no time. */
const LARGEST = 1400;

/** A bad network at the first visit is no reason to give up reading. */
const TRY_AGAIN_MS = [2000, 5000];

let zxing = start(); // compiled before the camera is open
let canvas: OffscreenCanvas | null = null;
void open();

self.onmessage = async ({ data }: MessageEvent<Frame>) => {
  let text: string | null = null;
  let picture: ImageData | null = null;
  try {
    picture = pictureOf(data);
    text = read(await zxing, picture);
  } catch (reason) {
    if (reason instanceof WebAssembly.RuntimeError) zxing = start(); // once gone wrong, it stays wrong
  } finally {
    self.postMessage({ id: data.id, text, drawn: picture !== null });
  }
};

async function open(): Promise<void> {
  for (const pause of [...TRY_AGAIN_MS, 0]) {
    if (await zxing.then(() => true, () => false)) return self.postMessage({ works: true });
    if (pause === 0) break;
    await new Promise((done) => setTimeout(done, pause));
    zxing = start();
  }
  self.postMessage({ works: false });
}

function start(): Promise<Reader> {
  const started = prepareZXingModule({
    // Without this the library would fetch its .wasm from a public CDN.
    overrides: { locateFile: () => new URL(WASM_FILE, self.location.href).href },
    equalityFn: () => false,
    fireImmediately: true,
  }) as Promise<ZXingReaderModule & Reader>;
  started.catch(() => undefined); // said by whoever waits for it
  return started;
}

function read(reader: Reader, { data, width, height }: ImageData): string | null {
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = (306 * data[4 * at]! + 601 * data[4 * at + 1]! + 117 * data[4 * at + 2]!) >> 10;
  }
  const scale = Math.min(LARGER, LARGEST / Math.max(width, height));
  return look(reader, grey, width, height)
    ?? (scale > 1 ? look(reader, ...enlarged(grey, width, height, scale)) : null);
}

function look(reader: Reader, grey: Uint8Array, width: number, height: number): string | null {
  const place = reader._malloc(grey.length);
  try {
    reader.HEAPU8.set(grey, place);
    const found = reader.readBarcodesFromPixmap(place, width, height, OPTIONS);
    const code = found.size() > 0 ? found.get(0) : undefined;
    found.delete();
    return code?.isValid ? code.text : null;
  } finally {
    reader._free(place);
  }
}

/** Each new dot lies between four old ones. */
function enlarged(grey: Uint8Array, width: number, height: number, scale: number): [Uint8Array, number, number] {
  const wide = Math.floor(width * scale);
  const high = Math.floor(height * scale);
  const larger = new Uint8Array(wide * high);
  const columns = between(wide, width);
  const rows = between(high, height);
  for (let y = 0, at = 0; y < high; y += 1) {
    const above = (rows[y]! >> 8) * width;
    const down = rows[y]! & 255;
    for (let x = 0; x < wide; x += 1, at += 1) {
      const from = above + (columns[x]! >> 8);
      const right = columns[x]! & 255;
      const upper = grey[from]! * (256 - right) + grey[from + 1]! * right;
      const lower = grey[from + width]! * (256 - right) + grey[from + width + 1]! * right;
      larger[at] = (upper * (256 - down) + lower * down) >> 16;
    }
  }
  return [larger, wide, high];
}

/** Where each of `many` dots lies among `few`: the whole dot before it, and 256ths of the way to the next. */
function between(many: number, few: number): Uint32Array {
  return Uint32Array.from({ length: many }, (_, at) => Math.min((256 * at * (few - 1)) / (many - 1), 256 * (few - 1) - 1));
}

function pictureOf(frame: Frame): ImageData {
  if ("pixels" in frame) return new ImageData(new Uint8ClampedArray(frame.pixels), frame.width, frame.height);
  const { bitmap } = frame;
  const { width, height } = bitmap;
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("no canvas");
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  return pen.getImageData(0, 0, width, height);
}
