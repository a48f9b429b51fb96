/**
 * Makes the root file system below the app: node without its debug symbols and without the functions
 * that it offers to nobody here, the shared libraries that it names, and the few files that a
 * process expects. Nothing else.
 *
 *     node scripts/rootfs.mjs /rootfs
 */

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { dynamicSymbols, withoutExports, withoutSymbols } from "./elf.mjs";

const UID = 10001;
const target = process.argv[2];
if (!target) throw new Error("usage: rootfs.mjs TARGET");
const inTarget = (file) => path.join(target, file);

function copy(file) {
  const real = fs.realpathSync(file);
  // Where the system joins /lib and /usr/lib by a link, so does the image: the same file system
  // then also fits over a base image of the same release.
  const directory = fs.realpathSync(path.dirname(file));
  const destination = inTarget(path.join(directory, path.basename(file)));
  fs.mkdirSync(path.dirname(destination), { recursive: true });
  fs.copyFileSync(real, destination);
  fs.chmodSync(destination, fs.statSync(real).mode);
}

function link(directory) {
  if (!fs.existsSync(directory) || !fs.lstatSync(directory).isSymbolicLink()) return;
  const to = fs.readlinkSync(directory);
  fs.mkdirSync(path.resolve(target, to.replace(/^\//, "")), { recursive: true });
  fs.symlinkSync(to, inTarget(directory));
}

fs.mkdirSync(target, { recursive: true });
for (const directory of ["/lib", "/lib64", "/bin", "/sbin"]) link(directory);

// Lines look like "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)" or "/lib64/ld-… (0x…)".
const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8", timeout: 30_000 });
const files = [...libraries.matchAll(/(?:=>\s*|^\s*)(\/\S+)\s+\(0x/gm)].map(([, file]) => file);
for (const file of files) copy(file);

// Its libraries' names stay as they are, whichever side they are on, and the stable interface of
// add-ons; the rest is for add-ons that are compiled against V8 itself, and the app has none.
const shared = new Set(files.flatMap((file) => dynamicSymbols(fs.readFileSync(file))));
const wanted = (name) => shared.has(name) || /^(napi_|node_api_)/.test(name);
const node = inTarget(process.execPath);
fs.mkdirSync(path.dirname(node), { recursive: true });
const loaded = withoutSymbols(fs.readFileSync(process.execPath));
fs.writeFileSync(node, withoutExports(loaded, wanted), { mode: 0o755 });

fs.mkdirSync(inTarget("/etc"), { recursive: true });
fs.writeFileSync(inTarget("/etc/passwd"), `root:x:0:0::/root:/sbin/nologin\napp:x:${UID}:${UID}::/app:/sbin/nologin\n`);
fs.writeFileSync(inTarget("/etc/group"), `root:x:0:\napp:x:${UID}:\n`);
fs.writeFileSync(inTarget("/etc/nsswitch.conf"), "hosts: files dns\n");
fs.mkdirSync(inTarget("/tmp"), { recursive: true });
fs.chmodSync(inTarget("/tmp"), 0o1777);
