/**
 * Puts together what the image holds, in build/app: Next's standalone server, its static files,
 * and the two commands, each bundled into one file.
 */

import { cp, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { prune } from "./prune.mjs";

const root = path.dirname(import.meta.dirname);
const from = (...parts) => path.join(root, ...parts);
const app = from("build", "app");

await rm(app, { recursive: true, force: true });
// Links inside stay relative, so that the result can be moved.
await cp(from(".next", "standalone"), app, { recursive: true, verbatimSymlinks: true });
await cp(from(".next", "static"), path.join(app, ".next", "static"), { recursive: true });

await build({
  entryPoints: { migrate: from("src/entry/migrate.ts"), server: from("src/entry/server.ts") },
  outdir: app,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  // pg looks for optional packages at run time, and CommonJS code needs a `require`.
  external: ["pg-native"],
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});

const gone = await prune(app);

const { version } = JSON.parse(await readFile(from("package.json"), "utf8"));
process.stdout.write(`packaged todo-frontend ${version} in ${path.relative(root, app)}, ${gone} files less\n`);
