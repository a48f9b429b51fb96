/** What these tests need beside npm packages, and where it is looked for. */

import fs from "node:fs";
import path from "node:path";

export const APP = path.resolve(import.meta.dirname, "../../../build/app");

function onPath(name: string, ...more: string[]): string | null {
  const directories = [...more, ...(process.env.PATH ?? "").split(path.delimiter)];
  return directories.map((directory) => path.join(directory, name)).find(fs.existsSync) ?? null;
}

function postgresDirectories(): string[] {
  const root = "/usr/lib/postgresql";
  if (!fs.existsSync(root)) return [];
  const versions = fs.readdirSync(root).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => path.join(root, version, "bin"));
}

export const initdb = onPath("initdb", ...postgresDirectories());
export const postgres = initdb ? path.join(path.dirname(initdb), "postgres") : null;
export const chromium = onPath("chromium", "/usr/lib/chromium");
export const openssl = onPath("openssl");

/** A title that says why its tests are skipped, if they are. */
export function requires(title: string, ...needs: ("browser" | "openssl")[]) {
  const missing = [
    fs.existsSync(path.join(APP, "server.mjs")) ? null : "the built app (npm run build)",
    postgres ? null : "PostgreSQL's server (apt-get install postgresql)",
    needs.includes("browser") && !chromium ? "chromium (apt-get install chromium)" : null,
    needs.includes("openssl") && !openssl ? "openssl (apt-get install openssl)" : null,
  ].filter((need) => need !== null);
  const reason = missing.length > 0 ? ` - skipped, not found: ${missing.join(", ")}` : "";
  return { skip: missing.length > 0, title: title + reason };
}
