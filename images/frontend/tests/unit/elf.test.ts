import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { dynamicSymbols, withoutExports, withoutSymbols } from "../../scripts/elf.mjs";

const linux64 = process.platform === "linux" && process.arch === "x64";
const program = "crypto.randomUUID(); process.stdout.write(new Intl.NumberFormat('de').format(1234.5))";

function run(binary: Buffer, ...words: string[]): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "elf-"));
  try {
    const file = path.join(directory, "node");
    fs.writeFileSync(file, binary, { mode: 0o755 });
    return execFileSync(file, words, { encoding: "utf8", timeout: 30_000 });
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test.skipIf(!linux64)("node runs without its symbols, and is smaller or as small", () => {
  const whole = fs.readFileSync(process.execPath);
  const stripped = withoutSymbols(whole);
  expect(stripped.length).toBeLessThanOrEqual(whole.length);
  expect(run(stripped, "-e", program)).toBe("1.234,5");
}, 60_000);

test.skipIf(!linux64)("node runs without what it offers to nobody, and offers what is wanted", () => {
  const whole = withoutSymbols(fs.readFileSync(process.execPath));
  const before = dynamicSymbols(whole);
  const wanted = (name: string) => name.startsWith("napi_");
  const cut = withoutExports(whole, wanted);
  const after = dynamicSymbols(cut);
  expect(before.length).toBeGreaterThan(5_000);
  expect(after.length).toBeLessThan(before.length / 10);
  expect(cut.length).toBeLessThan(whole.length - 1_000_000);
  expect(after.filter(wanted).toSorted()).toEqual(before.filter(wanted).toSorted());
  expect(run(cut, "-e", program)).toBe("1.234,5");
}, 60_000);

test("what is no ELF file is refused", () => {
  expect(() => withoutSymbols(Buffer.alloc(100))).toThrow(/not an ELF file/);
});
