// The page's side of the decoder: cuts a piece out of a picture and hands it to the worker.

/** What the viewfinder's corners enclose, of the shorter side of the picture. */
const CROP = 0.9;
/** A worker that a pause has killed answers nothing. */
const SILENT_MS = 5000;
/** Nobody has shown anything for a while: an old phone on a counter shall not cook. */
const IDLE_MS = 60_000;
const IDLE_PAUSE_MS = 66;
/** A picture that stands still so long is no picture: some phones give the camera back black. */
const STILL_MS = 5000;

export interface Piece { left: number; top: number; width: number; height: number }
interface Told { works?: boolean; id?: number; text?: string | null; drawn?: boolean }

export class Decoder {
  /** False where the phone forbids or cannot run it: then numbers are typed. */
  readonly works: Promise<boolean>;
  private tell: (works: boolean) => void = () => undefined;
  private ready = false;
  private worker = this.hire();
  private readonly answers = new Map<number, (text: string | null) => void>();
  private asked = 0;
  private canvas: HTMLCanvasElement | null = null;
  /** Safari before 16.4 cannot draw in a worker: there the page draws and hands over the pixels. */
  private workerDraws = typeof OffscreenCanvas !== "undefined" && typeof createImageBitmap === "function";

  constructor() {
    this.works = new Promise((resolve) => { this.tell = resolve; });
  }

  get busy(): boolean {
    return this.answers.size > 0;
  }

  /** The text of a QR in the middle of the picture, or null. */
  look(video: HTMLVideoElement): Promise<string | null> {
    const side = Math.floor(Math.min(video.videoWidth, video.videoHeight) * CROP);
    if (side === 0) return Promise.resolve(null);
    const left = Math.floor((video.videoWidth - side) / 2);
    const top = Math.floor((video.videoHeight - side) / 2);
    return this.read(video, { left, top, width: side, height: side });
  }

  /** The text of a QR in a piece of a picture, or null; the piece is shrunk to `scale` first. */
  read(picture: HTMLVideoElement | ImageBitmap, piece: Piece, scale = 1): Promise<string | null> {
    const id = this.asked += 1;
    return new Promise<string | null>((resolve) => {
      const done = (text: string | null): void => {
        clearTimeout(timer);
        this.answers.delete(id);
        resolve(text);
      };
      const timer = setTimeout(() => {
        done(null);
        if (!this.ready) return; // it is still on its way here
        this.worker.terminate();
        this.worker = this.hire();
      }, SILENT_MS);
      this.answers.set(id, done);
      this.cut(picture, piece, scale).then(
        (frame) => this.worker.postMessage({ id, ...frame }, ["bitmap" in frame ? frame.bitmap : frame.pixels]),
      ).catch(() => done(null));
    });
  }

  private hire(): Worker {
    this.ready = false;
    const worker = new Worker(new URL(DECODER_FILE, import.meta.url));
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.works !== undefined) {
        this.ready = data.works;
        return this.tell(data.works);
      }
      if (!data.drawn) this.workerDraws = false;
      this.answers.get(data.id!)?.(data.text!);
    };
    worker.onerror = () => this.tell(false);
    return worker;
  }

  private async cut(
    picture: HTMLVideoElement | ImageBitmap, { left, top, width, height }: Piece, scale: number,
  ): Promise<{ bitmap: ImageBitmap } | { pixels: ArrayBuffer; width: number; height: number }> {
    const wide = Math.round(width * scale);
    const high = Math.round(height * scale);
    if (this.workerDraws) {
      const smaller: ImageBitmapOptions = scale < 1 ? { resizeWidth: wide, resizeHeight: high, resizeQuality: "medium" } : {};
      try {
        return { bitmap: await createImageBitmap(picture, left, top, width, height, smaller) };
      } catch {
        this.workerDraws = false;
      }
    }
    this.canvas ??= document.createElement("canvas");
    this.canvas.width = wide;
    this.canvas.height = high;
    const pen = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!pen) throw new Error("no canvas");
    pen.drawImage(picture, left, top, width, height, 0, 0, wide, high);
    return { pixels: pen.getImageData(0, 0, wide, high).data.buffer, width: wide, height: high };
  }
}

interface Watching {
  /** No new picture has come for a while. */
  onStill: () => void;
  pauseMs?: number;
}

/** Looks at picture after picture until stopped. */
export function watch(
  video: HTMLVideoElement, decoder: Decoder, onText: (text: string) => void, { onStill, pauseMs = 0 }: Watching,
): () => void {
  let stopped = false;
  let read = performance.now();
  let looked = read;
  let shown = read;
  let lastTime = -1;

  const onFrame = async (): Promise<void> => {
    if (stopped) return;
    const now = performance.now();
    if (video.currentTime !== lastTime) shown = now;
    lastTime = video.currentTime;
    const pause = now - read > IDLE_MS ? Math.max(pauseMs, IDLE_PAUSE_MS) : pauseMs;
    if (!decoder.busy && now - looked >= pause) {
      looked = now;
      const text = await decoder.look(video);
      if (text !== null && !stopped) {
        read = performance.now();
        onText(text);
      }
    }
    nextFrame();
  };
  const nextFrame = (): void => {
    if (stopped) return;
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(() => void onFrame());
    else requestAnimationFrame(() => void onFrame());
  };
  let ticked = read;
  const still = setInterval(() => {
    const now = performance.now();
    if (document.hidden || now - ticked > STILL_MS / 2) shown = now; // the phone slept
    ticked = now;
    if (now - shown > STILL_MS) onStill();
  }, 1000);
  nextFrame();
  return () => {
    stopped = true;
    clearInterval(still);
  };
}
