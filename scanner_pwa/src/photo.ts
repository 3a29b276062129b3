// The last resort: a photo taken by the phone's own camera app, which focuses and lights better than a video does.
// Large codes need it shrunk, small ones need it piece by piece.
import type { Decoder, Piece } from "./decoder.ts";

const LONGER_SIDE = 1300;
const PATIENCE_MS = 8000;

/** The text of a QR on the photo, or null when none was found in time. */
export async function readPhoto(file: Blob, decoder: Decoder): Promise<string | null> {
  const until = performance.now() + PATIENCE_MS;
  let photo: ImageBitmap;
  try {
    photo = await createImageBitmap(file);
  } catch {
    return null; // no picture, or of a kind that this browser does not know
  }
  try {
    for (const piece of pieces(photo.width, photo.height)) {
      const text = await decoder.read(photo, piece, Math.min(1, LONGER_SIDE / Math.max(piece.width, piece.height)));
      if (text !== null || performance.now() > until) return text;
    }
    return null;
  } finally {
    photo.close();
  }
}

/** The whole, then halves and thirds that overlap, those in the middle first. */
export function pieces(width: number, height: number): Piece[] {
  const cut: (Piece & { off: number })[] = [];
  for (const parts of [1, 2, 3]) {
    const last = 2 * (parts - 1);
    for (let row = 0; row <= last; row += 1) {
      for (let column = 0; column <= last; column += 1) {
        cut.push({
          left: Math.floor((width * column) / (2 * parts)), top: Math.floor((height * row) / (2 * parts)),
          width: Math.floor(width / parts), height: Math.floor(height / parts),
          off: parts * 100 + Math.abs(column - last / 2) + Math.abs(row - last / 2),
        });
      }
    }
  }
  return cut.sort((one, other) => one.off - other.off);
}
