/**
 * Makes the modules that Next.js ships unbundled smaller: what can never run in this image goes.
 *
 * Two things are fixed here that Next.js asks at run time: the runtime is Node.js, not the edge
 * one, and this is production, not development. With both filled in, the code of the other cases
 * is dead, and so are the modules that only it names: the edge's twins of what is compiled for
 * Node.js, the development server, the type checks.
 */

import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { transform } from "esbuild";

const FIXED = {
  "process.env.NEXT_RUNTIME": '"nodejs"',
  "process.env.NODE_ENV": '"production"',
};
const SCRIPT = /\.(c|m)?js$/;
/** Whatever is quoted and could be the name of a module; more than `require` sees it. */
const QUOTED = /(["'`])((?:\.{0,2}\/|[@a-z])[^"'`\s\\]*)\1/g;
/** What is read to find a build's files, and by no server. */
const TRACES = /\.(nft\.json|js\.map)$/;

/** Files below a directory, as paths. */
async function files(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** The modules that a script may load, by any name that stands in it. */
function named(file, source) {
  const { resolve } = createRequire(file);
  const found = new Set();
  for (const [, , name] of source.matchAll(QUOTED)) {
    try {
      found.add(resolve(name));
    } catch {
      // A text that is no module's name.
    }
  }
  return found;
}

export async function prune(app) {
  const next = path.join(app, "node_modules", "next", "dist");
  const all = await files(app);
  for (const file of all.filter((name) => TRACES.test(name))) await rm(file);

  const sources = new Map();
  for (const file of all.filter((name) => SCRIPT.test(name))) {
    const source = await readFile(file, "utf8");
    sources.set(file, source);
    if (!file.startsWith(path.join(app, "node_modules"))) continue;
    // Half of what Next.js ships is comments and white space.
    const options = file.startsWith(next) ? { define: FIXED, minifySyntax: true } : {};
    const { code } = await transform(source, { ...options, minifyWhitespace: true, legalComments: "inline" });
    if (code.length >= source.length) continue;
    sources.set(file, code);
    await writeFile(file, code);
  }

  const optional = (file) => file.startsWith(next + path.sep);
  const kept = new Set();
  const open = [...sources.keys()].filter((file) => !optional(file));
  while (open.length > 0) {
    const file = open.pop();
    if (kept.has(file) || !sources.has(file)) continue;
    kept.add(file);
    open.push(...named(file, sources.get(file)));
  }
  const gone = [...sources.keys()].filter((file) => !kept.has(file));
  for (const file of gone) await rm(file);
  return gone.length;
}
