// The page's side of the decoder: cuts the square that the viewfinder shows and hands it to the worker.

/** What the viewfinder's corners enclose, of the shorter side of the picture. */
const CROP = 0.9;

export type Frame =
  | { kind: "bitmap"; bitmap: ImageBitmap }
  | { kind: "pixels"; pixels: ArrayBuffer; side: number };
export type Seen = { text: string | null };

export class Decoder {
  private readonly worker = new Worker(new URL(DECODER_FILE, document.baseURI));
  private answer: ((text: string | null) => void) | null = null;
  private canvas: HTMLCanvasElement | null = null;
  /** Safari before 16.4 cannot draw in a worker: there the page draws and hands over the pixels. */
  private workerDraws = typeof OffscreenCanvas !== "undefined" && typeof createImageBitmap === "function";

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Seen>) => this.done(data.text);
    this.worker.onerror = () => this.done(null);
  }

  get busy(): boolean {
    return this.answer !== null;
  }

  /** The text of a QR in the middle of the picture, or null. One picture at a time. */
  async look(video: HTMLVideoElement): Promise<string | null> {
    const side = Math.floor(Math.min(video.videoWidth, video.videoHeight) * CROP);
    if (side === 0 || this.busy) return null;
    const seen = new Promise<string | null>((resolve) => { this.answer = resolve; });
    try {
      const frame = await this.cut(video, side);
      this.worker.postMessage(frame, [frame.kind === "bitmap" ? frame.bitmap : frame.pixels]);
    } catch {
      this.done(null);
    }
    return seen;
  }

  private async cut(video: HTMLVideoElement, side: number): Promise<Frame> {
    const left = Math.floor((video.videoWidth - side) / 2);
    const top = Math.floor((video.videoHeight - side) / 2);
    if (this.workerDraws) {
      try {
        return { kind: "bitmap", bitmap: await createImageBitmap(video, left, top, side, side) };
      } catch {
        this.workerDraws = false;
      }
    }
    this.canvas ??= document.createElement("canvas");
    this.canvas.width = this.canvas.height = side;
    const pen = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!pen) throw new Error("no canvas");
    pen.drawImage(video, left, top, side, side, 0, 0, side, side);
    return { kind: "pixels", pixels: pen.getImageData(0, 0, side, side).data.buffer, side };
  }

  private done(text: string | null): void {
    this.answer?.(text);
    this.answer = null;
  }
}

/** Looks at picture after picture until stopped. */
export function watch(video: HTMLVideoElement, decoder: Decoder, onText: (text: string) => void): () => void {
  let stopped = false;
  const onFrame = async (): Promise<void> => {
    if (stopped) return;
    if (!decoder.busy) {
      const text = await decoder.look(video);
      if (text !== null && !stopped) onText(text);
    }
    nextFrame();
  };
  const nextFrame = (): void => {
    if (stopped) return;
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(() => void onFrame());
    else requestAnimationFrame(() => void onFrame());
  };
  nextFrame();
  return () => { stopped = true; };
}
