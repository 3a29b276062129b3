// Draws the icon of the app: a voucher with its two notches and a check. Shapes are distances, so every size is
// sharp, and nothing is taken from anywhere.
import { deflateSync } from "node:zlib";

const BRAND = [29, 63, 124];
const PAPER = [255, 255, 255];
const GREEN = [10, 122, 69];

/** The icon as PNG bytes. `bleed` fills the square to its edges, for phones that cut their own outline. */
export function iconPng(size, { bleed = false } = {}) {
  const SUB = 4; // sub-samples per side smooth the edges
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const sum = [0, 0, 0, 0];
      for (let i = 0; i < SUB * SUB; i += 1) {
        const u = ((x + ((i % SUB) + 0.5) / SUB) / size) * 2 - 1;
        const v = ((y + (Math.floor(i / SUB) + 0.5) / SUB) / size) * 2 - 1;
        const colour = colourAt(u, v, bleed);
        if (colour) [...colour, 255].forEach((part, at) => { sum[at] += part; });
      }
      const seen = sum[3] / 255;
      const at = y * (size * 4 + 1) + 1 + x * 4;
      for (let part = 0; part < 3; part += 1) rows[at + part] = seen ? Math.round(sum[part] / seen) : 0;
      rows[at + 3] = Math.round(sum[3] / (SUB * SUB));
    }
  }
  return png(size, rows);
}

/** Coordinates from -1 to 1; null is transparent. */
function colourAt(u, v, bleed) {
  if (!bleed && roundedBox(u, v, 1, 1, 0.42) > 0) return null;
  const scale = bleed ? 0.82 : 1; // the safe zone of a maskable icon
  const x = u / scale;
  const y = v / scale;
  const notch = Math.min(Math.hypot(x - 0.7, y), Math.hypot(x + 0.7, y)) < 0.13;
  if (roundedBox(x, y, 0.7, 0.46, 0.12) > 0 || notch) return BRAND;
  const check = Math.min(segment(x, y, -0.26, 0.02, -0.07, 0.21), segment(x, y, -0.07, 0.21, 0.28, -0.2));
  return check < 0.075 ? GREEN : PAPER;
}

function roundedBox(x, y, halfWidth, halfHeight, radius) {
  const dx = Math.abs(x) - halfWidth + radius;
  const dy = Math.abs(y) - halfHeight + radius;
  return Math.min(Math.max(dx, dy), 0) + Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) - radius;
}

function segment(x, y, ax, ay, bx, by) {
  const along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
}

function png(size, rows) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8); // 8 bits, red green blue alpha
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "ascii"), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc(body), 4 + body.length);
  return frame;
}

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}
