// Names that build.mjs knows and writes into the bundles: hashed files beside index.html.
declare const DECODER_FILE: string;
declare const WASM_FILE: string;
declare const BUILD_ID: string;
declare const SHELL_FILES: readonly string[];
