// Reads a QR in a square picture. zxing first; on a miss a second look by another decoder, which reads scratched and
// faded print where zxing does not.
import decodeQR from "qr/decode.js";
import { prepareZXingModule, readBarcodes, type ReaderOptions } from "zxing-wasm/reader";

type Frame = { kind: "bitmap"; bitmap: ImageBitmap } | { kind: "pixels"; pixels: ArrayBuffer; side: number };

// Black on white, one code, and a QR is found at any angle without turning the picture.
const OPTIONS: ReaderOptions = {
  formats: ["QRCode"], tryHarder: true, tryRotate: false, tryInvert: false, tryDownscale: true, maxNumberOfSymbols: 1,
};

// Without this the library would fetch its .wasm from a public CDN. Compiled before the camera is open.
let zxingWorks: Promise<boolean> = Promise.resolve(
  prepareZXingModule({
    overrides: { locateFile: () => new URL(WASM_FILE, self.location.href).href },
    fireImmediately: true,
  }),
).then(() => true, () => false);

let canvas: OffscreenCanvas | null = null;
let pen: OffscreenCanvasRenderingContext2D | null = null;

self.onmessage = async ({ data }: MessageEvent<Frame>) => {
  let text: string | null = null;
  try {
    text = await read(pictureOf(data));
  } finally {
    self.postMessage({ text });
  }
};

async function read(picture: ImageData): Promise<string | null> {
  if (await zxingWorks) {
    try {
      const found = (await readBarcodes(picture, OPTIONS)).find((one) => one.isValid);
      if (found) return found.text;
    } catch {
      // A broken wasm stays broken: the second decoder, plain script, goes on alone.
      zxingWorks = Promise.resolve(false);
    }
  }
  try {
    return decodeQR(picture);
  } catch {
    return null; // its way of saying that there is no code
  }
}

function pictureOf(frame: Frame): ImageData {
  if (frame.kind === "pixels") return new ImageData(new Uint8ClampedArray(frame.pixels), frame.side, frame.side);
  const { bitmap } = frame;
  if (!canvas || !pen || canvas.width !== bitmap.width) {
    canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    pen = canvas.getContext("2d", { willReadFrequently: true });
  }
  if (!pen) throw new Error("no canvas");
  pen.drawImage(bitmap, 0, 0);
  const picture = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  return picture;
}
