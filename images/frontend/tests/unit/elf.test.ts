import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { withoutSymbols } from "../../scripts/elf.mjs";

const linux64 = process.platform === "linux" && process.arch === "x64";

test.skipIf(!linux64)("node runs without its symbols, and is smaller or as small", () => {
  const whole = fs.readFileSync(process.execPath);
  const stripped = withoutSymbols(whole);
  expect(stripped.length).toBeLessThanOrEqual(whole.length);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "elf-"));
  try {
    const file = path.join(directory, "node");
    fs.writeFileSync(file, stripped, { mode: 0o755 });
    const program = "crypto.randomUUID(); process.stdout.write(new Intl.NumberFormat('de').format(1234.5))";
    expect(execFileSync(file, ["-e", program], { encoding: "utf8", timeout: 30_000 })).toBe("1.234,5");
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});

test("what is no ELF file is refused", () => {
  expect(() => withoutSymbols(Buffer.alloc(100))).toThrow(/not an ELF file/);
});
