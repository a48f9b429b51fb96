/** The one thing of `strip` that the image needs, for build images without binutils. */

const PT_LOAD = 1;

/**
 * An ELF executable without what follows its last loaded byte: symbols and debug information,
 * which the loader never maps, and the section table that describes them.
 */
export function withoutSymbols(binary) {
  if (binary.readUInt32BE(0) !== 0x7f454c46) throw new Error("not an ELF file");
  if (binary[4] !== 2 || binary[5] !== 1) throw new Error("not a 64-bit little-endian ELF file");
  const headers = Number(binary.readBigUInt64LE(0x20));
  const size = binary.readUInt16LE(0x36);
  const count = binary.readUInt16LE(0x38);
  let end = headers + size * count;
  for (let index = 0; index < count; index += 1) {
    const header = headers + size * index;
    if (binary.readUInt32LE(header) !== PT_LOAD) continue;
    const offset = Number(binary.readBigUInt64LE(header + 0x08));
    const length = Number(binary.readBigUInt64LE(header + 0x20));
    end = Math.max(end, offset + length);
  }
  const loaded = Buffer.from(binary.subarray(0, end));
  loaded.writeBigUInt64LE(0n, 0x28); // offset of the section table
  loaded.writeUInt16LE(0, 0x3c); // its number of entries
  loaded.writeUInt16LE(0, 0x3e); // the entry with their names
  return loaded;
}
