// Builds the till into vouchers/static/till/, or with --tests bundles and runs the unit tests.
// Every file but index.html, the manifest and the service worker carries a hash of its content in its name.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { iconPng } from "./icons.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "..", "vouchers", "static", "till");
const DESK = join(HERE, "..", "vouchers", "static", "desk");
/** Own code and libraries, without the wasm. */
const BUDGET_KB = 60;
const COMMON = {
  absWorkingDir: HERE,
  bundle: true,
  minify: true,
  legalComments: "none",
  // The oldest browsers we serve; below these the page says so.
  target: ["chrome87", "safari15.4", "firefox105"],
  jsx: "automatic",
  jsxImportSource: "preact",
  // The small pictures that a library's styles name: inside them, so that nothing more is fetched.
  loader: { ".png": "dataurl" },
  logLevel: "warning",
};

/** zxing-wasm ships tables of all its formats: said to be without effect, those that nothing asks for are left out. */
const withoutTables = {
  name: "without-tables",
  setup(building) {
    building.onLoad({ filter: /zxing-wasm.dist.es.share\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/ = e\.(?=map|filter)/g, " = /* @__PURE__ */ e."),
    }));
  },
};

if (process.argv.includes("--tests")) await runTests();
else {
  await build();
  await buildDesk();
}

async function build() {
  const files = new Map();
  const add = (name, content) => files.set(name, Buffer.from(content));
  const addHashed = (stem, ending, content) => {
    const name = `${stem}-${hash(content).slice(0, 10)}.${ending}`;
    add(name, content);
    return name;
  };

  // The wasm must be the one of the very version whose script is bundled: it comes from the same package.
  const wasm = await readFile(join(HERE, "node_modules", "zxing-wasm", "dist", "reader", "zxing_reader.wasm"));
  const wasmName = addHashed("zxing_reader", "wasm", wasm);
  const decoder = await bundle("src/decoder.worker.ts", { WASM_FILE: wasmName }, "iife");
  const decoderName = addHashed("decoder", "js", decoder);
  const main = await bundle("src/main.tsx", { DECODER_FILE: decoderName }, "esm");
  const mainName = addHashed("main", "js", main);
  const css = await bundle("src/style.css", {}, "esm");
  const cssName = addHashed("till", "css", css);
  const icon = (stem, size, options) => addHashed(stem, "png", iconPng(size, options));
  const icons = {
    small: icon("icon-192", 192), large: icon("icon-512", 512),
    maskable: icon("icon-maskable-512", 512, { bleed: true }), apple: icon("icon-apple-180", 180, { bleed: true }),
  };
  add("manifest.webmanifest", manifest(icons));
  add("index.html", page({ mainName, cssName, icons }));
  const buildId = hash(Buffer.concat([...files.values()])).slice(0, 12);
  const shell = [...files.keys()].filter((name) => name !== "index.html");
  add("service-worker.js", await bundle("src/service-worker.ts", { BUILD_ID: buildId, SHELL_FILES: shell }, "iife"));

  await leave(OUT, files);
  report(files, buildId);
}

/** The scripts and the styles of the pages: each file of desk/ that stands by itself, and a list of their names. */
async function buildDesk() {
  const files = new Map();
  const names = {};
  const add = (stem, ending, content) => {
    const name = `${stem}-${hash(content).slice(0, 10)}.${ending}`;
    files.set(name, Buffer.from(content));
    names[`${stem}.${ending}`] = name;
    return name;
  };
  const wasm = await readFile(join(HERE, "node_modules", "zxing-wasm", "dist", "reader", "zxing_reader.wasm"));
  const decoder = await bundle("src/decoder.worker.ts", { WASM_FILE: add("zxing_reader", "wasm", wasm) }, "iife");
  const define = { DECODER_FILE: add("decoder", "js", decoder) };
  const scripts = (await readdir(join(HERE, "desk"))).filter((name) => name.endsWith(".ts")).sort();
  for (const script of scripts) add(script.slice(0, -3), "js", await bundle(`desk/${script}`, define, "esm"));
  for (const sheet of ["desk", "map"]) add(sheet, "css", await bundle(`desk/${sheet}.css`, {}, "esm"));
  add("icon", "png", iconPng(192));
  files.set("manifest.json", Buffer.from(JSON.stringify(names, null, 1)));
  await leave(DESK, files);
  for (const [name, content] of files) console.log(`desk ${name.padEnd(34)} ${kb(gzipSync(content).length)} kB gzip`);
}

async function leave(folder, files) {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of files) {
    await writeFile(join(folder, name), content);
    if (name.endsWith(".png")) continue;
    // Beside each file, for the server to choose from: a market stall has one bar of signal.
    await writeFile(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
    await writeFile(join(folder, `${name}.br`), brotliCompressSync(content));
  }
  // What an earlier build left goes last, so that a server at work never finds the folder empty.
  const kept = [...files.keys()].flatMap((name) => [name, `${name}.gz`, `${name}.br`]);
  for (const old of await readdir(folder)) if (!kept.includes(old)) await rm(join(folder, old), { force: true });
}

async function bundle(entry, names, format) {
  const define = Object.fromEntries(Object.entries(names).map(([name, value]) => [name, JSON.stringify(value)]));
  // A classic worker has no import.meta; the decoder's own lookup of its wasm is overridden anyway.
  if (format === "iife") define["import.meta.url"] = "self.location.href";
  const result = await esbuild.build({ ...COMMON, entryPoints: [entry], define, format, write: false, plugins: [withoutTables] });
  return result.outputFiles[0].contents;
}

function page({ mainName, cssName, icons }) {
  return `<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>Caisse chèques cadeaux</title>
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f3f4f7">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0d131b">
<meta name="robots" content="noindex">
<meta name="format-detection" content="telephone=no">
<link rel="manifest" href="manifest.webmanifest">
<link rel="icon" type="image/png" sizes="192x192" href="${icons.small}">
<link rel="apple-touch-icon" href="${icons.apple}">
<link rel="stylesheet" href="${cssName}">
</head>
<body>
<div id="till" class="stop">Ouverture de la caisse…
<p class="late">Rien ne vient ? Ce navigateur est trop ancien, mettez-le à jour. <span lang="en">Too old: update it.</span></p></div>
<noscript>Cette caisse a besoin de JavaScript.</noscript>
<script type="module" src="${mainName}"></script>
</body>
</html>
`;
}

function manifest(icons) {
  return JSON.stringify({
    id: "/till/",
    name: "Caisse chèques cadeaux",
    short_name: "Caisse",
    lang: "fr",
    start_url: "./",
    scope: "./",
    display: "standalone",
    orientation: "portrait",
    background_color: "#f3f4f7",
    theme_color: "#1d3f7c",
    icons: [
      { src: icons.small, sizes: "192x192", type: "image/png" },
      { src: icons.large, sizes: "512x512", type: "image/png" },
      { src: icons.maskable, sizes: "512x512", type: "image/png", purpose: "maskable" },
    ],
  }, null, 1);
}

function report(files, buildId) {
  let code = 0;
  for (const [name, content] of files) {
    const zipped = gzipSync(content, { level: 9 }).length;
    if (/\.(js|css|html)$/.test(name)) code += zipped;
    console.log(`${name.padEnd(34)} ${kb(content.length)} kB ${kb(zipped)} kB gzip`);
  }
  console.log(`build ${buildId}: code and styles ${kb(code).trim()} kB gzip of ${BUDGET_KB}, wasm apart`);
  if (code > BUDGET_KB * 1024) {
    console.error("The till has outgrown its budget: a phone on a market square has to load it.");
    process.exitCode = 1;
  }
}

async function runTests() {
  const out = join(HERE, "node_modules", ".till-tests");
  await rm(out, { recursive: true, force: true });
  const tests = (await readdir(join(HERE, "tests"))).filter((name) => name.endsWith(".test.ts"));
  await esbuild.build({
    ...COMMON, minify: false, sourcemap: "inline", target: "node20", platform: "node", format: "esm",
    packages: "external", outdir: out, outExtension: { ".js": ".mjs" },
    entryPoints: tests.map((name) => join("tests", name)),
  });
  const built = (await readdir(out)).map((name) => join(out, name));
  process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...built], { stdio: "inherit" }).status ?? 1;
}

function hash(content) {
  return createHash("sha256").update(content).digest("hex");
}

function kb(bytes) {
  return (bytes / 1024).toFixed(1).padStart(7);
}
