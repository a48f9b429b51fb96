/** Makes node smaller without changing what it does, for build images without binutils. */

const PT_LOAD = 1;
const HEADER = { offset: 0x08, address: 0x10, physical: 0x18, length: 0x20, memory: 0x28, align: 0x30 };
const DT = { SYMTAB: 6, STRTAB: 5, STRSZ: 10, RELA: 7, RELASZ: 8, JMPREL: 23, PLTRELSZ: 2 };
const VERSION = { SYM: 0x6ffffff0, NEED: 0x6ffffffe, NEEDNUM: 0x6fffffff, DEF: 0x6ffffffc };
const GNU_HASH = 0x6ffffef5;
const STRINGS = new Set([1, 14, 15, 29]); // of DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH
const SYMBOL = 24;
const RELOCATION = 24;
/** File offsets move by a multiple of the largest page that these machines have. */
const PAGE = 0x10000;

/**
 * An ELF executable without what follows its last loaded byte: symbols and debug information,
 * which the loader never maps, and the section table that describes them.
 */
export function withoutSymbols(binary) {
  let end = 0;
  for (const header of programHeaders(binary)) {
    end = Math.max(end, header.at + header.size);
    if (header.type === PT_LOAD) end = Math.max(end, header.offset + header.length);
  }
  const loaded = Buffer.from(binary.subarray(0, end));
  loaded.writeBigUInt64LE(0n, 0x28); // offset of the section table
  loaded.writeUInt16LE(0, 0x3c); // its number of entries
  loaded.writeUInt16LE(0, 0x3e); // the entry with their names
  return loaded;
}

/** The names that an executable or library asks others for, or offers to them. */
export function dynamicSymbols(binary) {
  return dynamicTables(binary).names.slice(1);
}

/**
 * An executable that offers fewer of its functions to libraries, as if it had been linked without
 * `--export-dynamic`. What it asks of libraries stays, and so does what `wanted` names.
 *
 * A binary that is laid out in another way than the linkers of Node.js do is returned as it is.
 */
export function withoutExports(binary, wanted) {
  const tables = dynamicTables(binary);
  const { at, dynamic, names } = tables;
  const segment = programHeaders(binary).find((h) => h.type === PT_LOAD && h.offset === 0);
  const parts = [GNU_HASH, DT.SYMTAB, DT.STRTAB, VERSION.SYM, VERSION.NEED, DT.RELA, DT.JMPREL];
  if (!segment || dynamic.has(VERSION.DEF) || parts.some((tag) => !dynamic.has(tag))) return binary;
  const head = Math.min(...parts.map((tag) => at(dynamic.get(tag))));
  const lengths = [
    tables.hashLength,
    tables.count * SYMBOL,
    dynamic.get(DT.STRSZ),
    tables.count * 2,
    needLength(binary, at(dynamic.get(VERSION.NEED)), dynamic.get(VERSION.NEEDNUM)),
    dynamic.get(DT.RELASZ),
    dynamic.get(DT.PLTRELSZ),
  ];
  const known = lengths.reduce((sum, length) => sum + length, head);
  // Nothing else lies in the segment that would have to be moved, gaps for alignment apart.
  if (Math.abs(segment.length - known) > 8 * parts.length) return binary;

  // Symbols that a relocation names stay, in whatever place they are.
  const relocated = new Set();
  for (const [tag, length] of [[DT.RELA, lengths[5]], [DT.JMPREL, lengths[6]]]) {
    const start = at(dynamic.get(tag));
    for (let entry = start; entry < start + length; entry += RELOCATION) {
      relocated.add(binary.readUInt32LE(entry + 12));
    }
  }
  const kept = range(tables.count, (index) => index).filter(
    (index) =>
      index < tables.firstHashed || relocated.has(index) || wanted(names[index]),
  );
  const table = hashTable(
    kept.slice(tables.firstHashed).map((index) => ({ index, name: names[index] })),
    tables.firstHashed,
  );
  const order = [...kept.slice(0, tables.firstHashed), ...table.order];
  const place = new Map(order.map((from, to) => [from, to]));

  const strings = new Strings(binary, at(dynamic.get(DT.STRTAB)));
  const symbols = Buffer.alloc(order.length * SYMBOL);
  const versions = Buffer.alloc(order.length * 2);
  const [symbolsAt, versionsAt] = [DT.SYMTAB, VERSION.SYM].map((tag) => at(dynamic.get(tag)));
  order.forEach((from, to) => {
    const symbol = symbolsAt + from * SYMBOL;
    binary.copy(symbols, to * SYMBOL, symbol, symbol + SYMBOL);
    symbols.writeUInt32LE(strings.moved(binary.readUInt32LE(symbol)), to * SYMBOL);
    versions.writeUInt16LE(binary.readUInt16LE(versionsAt + from * 2), to * 2);
  });
  const slice = (tag, length) => Buffer.from(binary.subarray(at(dynamic.get(tag)), at(dynamic.get(tag)) + length));
  const needed = slice(VERSION.NEED, lengths[4]);
  renameNeeds(needed, dynamic.get(VERSION.NEEDNUM), strings);
  const relocations = slice(DT.RELA, lengths[5]);
  const jumps = slice(DT.JMPREL, lengths[6]);
  for (const list of [relocations, jumps]) {
    for (let entry = 0; entry < list.length; entry += RELOCATION) {
      list.writeUInt32LE(place.get(list.readUInt32LE(entry + 12)), entry + 12);
    }
  }
  const texts = new Map();
  for (const entry of tables.entries) {
    if (STRINGS.has(entry.tag)) texts.set(entry.at, strings.moved(entry.value));
  }

  const chunks = [binary.subarray(0, head)];
  let length = head;
  const moved = new Map([[DT.STRSZ, strings.length]]);
  const contents = [table.bytes, symbols, strings.bytes(), versions, needed, relocations, jumps];
  parts.forEach((tag, index) => {
    const gap = Buffer.alloc(-length & 7);
    chunks.push(gap, contents[index]);
    moved.set(tag, segment.address + length + gap.length);
    length += gap.length + contents[index].length;
  });
  const saved = Math.floor((segment.length - length) / PAGE) * PAGE;
  if (saved <= 0) return binary;
  chunks.push(Buffer.alloc(segment.length - saved - length), binary.subarray(segment.length));
  const result = Buffer.concat(chunks);
  for (const header of programHeaders(binary)) {
    if (header.at === segment.at) {
      result.writeBigUInt64LE(BigInt(length), header.at + HEADER.length);
      result.writeBigUInt64LE(BigInt(length), header.at + HEADER.memory);
    } else if (header.offset >= segment.length) {
      result.writeBigUInt64LE(BigInt(header.offset - saved), header.at + HEADER.offset);
      if (header.align > PAGE) result.writeBigUInt64LE(BigInt(PAGE), header.at + HEADER.align);
    }
  }
  for (const entry of tables.entries) {
    const value = texts.get(entry.at) ?? moved.get(entry.tag);
    if (value !== undefined) result.writeBigUInt64LE(BigInt(value), entry.at - saved + 8);
  }
  return result;
}

function programHeaders(binary) {
  if (binary.readUInt32BE(0) !== 0x7f454c46) throw new Error("not an ELF file");
  if (binary[4] !== 2 || binary[5] !== 1) throw new Error("not a 64-bit little-endian ELF file");
  const first = Number(binary.readBigUInt64LE(0x20));
  const size = binary.readUInt16LE(0x36);
  return range(binary.readUInt16LE(0x38), (index) => {
    const at = first + size * index;
    const read = (field) => Number(binary.readBigUInt64LE(at + HEADER[field]));
    const [offset, address, length, align] = ["offset", "address", "length", "align"].map(read);
    return { at, size, type: binary.readUInt32LE(at), offset, address, length, align };
  });
}

/** What the loader reads: the dynamic section's entries, and how to find what they point to. */
function dynamicTables(binary) {
  const headers = programHeaders(binary);
  const at = (address) => {
    const segment = headers.find(
      (h) => h.type === PT_LOAD && h.address <= address && address < h.address + h.length,
    );
    if (!segment) throw new Error(`no loaded segment holds address ${address}`);
    return segment.offset + address - segment.address;
  };
  const section = headers.find((header) => header.type === 2);
  const entries = [];
  for (let entry = section.offset; ; entry += 16) {
    const tag = Number(binary.readBigInt64LE(entry));
    if (tag === 0) break;
    entries.push({ at: entry, tag, value: Number(binary.readBigUInt64LE(entry + 8)) });
  }
  const dynamic = new Map(entries.map(({ tag, value }) => [tag, value]));
  if (!dynamic.has(GNU_HASH)) return { at, dynamic, entries, count: 0, firstHashed: 0, hashLength: 0, names: [] };
  const hash = at(dynamic.get(GNU_HASH));
  const [buckets, firstHashed, words] = [0, 4, 8].map((offset) => binary.readUInt32LE(hash + offset));
  const chains = hash + 16 + words * 8 + buckets * 4;
  let last = 0; // of the hashed symbols, which are never the first
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    last = Math.max(last, binary.readUInt32LE(hash + 16 + words * 8 + bucket * 4));
  }
  // A chain ends with the entry whose lowest bit is set.
  if (last > 0) while (!(binary.readUInt32LE(chains + (last - firstHashed) * 4) & 1)) last += 1;
  const count = last > 0 ? last + 1 : firstHashed;
  const hashLength = chains - hash + (count - firstHashed) * 4;
  const [symbols, strings] = [DT.SYMTAB, DT.STRTAB].map((tag) => at(dynamic.get(tag)));
  const names = range(count, (index) => textAt(binary, strings + binary.readUInt32LE(symbols + index * SYMBOL)));
  return { at, dynamic, entries, count, firstHashed, hashLength, names };
}

function textAt(binary, start) {
  return binary.toString("latin1", start, binary.indexOf(0, start));
}

function needLength(binary, start, count) {
  let end = start;
  for (const entry of needs(binary, start, count)) end = Math.max(end, entry.at + 16);
  return end - start;
}

/** The entries of the table of needed versions: for each library one, then its versions. */
function* needs(binary, start, count) {
  for (let library = start, index = 0; index < count; index += 1) {
    yield { at: library, text: library + 4 };
    let version = library + binary.readUInt32LE(library + 8);
    for (let left = binary.readUInt16LE(library + 2); left > 0; left -= 1) {
      yield { at: version, text: version + 8 };
      version += binary.readUInt32LE(version + 12);
    }
    library += binary.readUInt32LE(library + 12);
  }
}

function renameNeeds(table, count, strings) {
  for (const { text } of needs(table, 0, count)) {
    table.writeUInt32LE(strings.moved(table.readUInt32LE(text)), text);
  }
}

/** A string table that is written anew with the strings that are still used. */
class Strings {
  #binary;
  #start;
  #places = new Map([["", 0]]);
  #chunks = [Buffer.alloc(1)];
  length = 1;

  constructor(binary, start) {
    this.#binary = binary;
    this.#start = start;
  }

  moved(offset) {
    const text = textAt(this.#binary, this.#start + offset);
    if (!this.#places.has(text)) {
      const chunk = Buffer.from(`${text}\0`, "latin1");
      this.#places.set(text, this.length);
      this.#chunks.push(chunk);
      this.length += chunk.length;
    }
    return this.#places.get(text);
  }

  bytes() {
    return Buffer.concat(this.#chunks);
  }
}

/** The table by which the loader finds a symbol: Bloom filter, buckets, chains of hashes. */
function hashTable(symbols, first) {
  const buckets = Math.max(1, Math.ceil(symbols.length / 4));
  const words = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(1, symbols.length / 8))));
  const shift = 26;
  const hashed = symbols.map(({ index, name }) => ({ index, hash: gnuHash(name) }));
  hashed.sort((a, b) => (a.hash % buckets) - (b.hash % buckets));
  const bytes = Buffer.alloc(16 + words * 8 + buckets * 4 + hashed.length * 4);
  [buckets, first, words, shift].forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
  hashed.forEach(({ hash }, index) => {
    const word = 16 + (Math.floor(hash / 64) % words) * 8;
    const bits = (1n << BigInt(hash % 64)) | (1n << BigInt((hash >>> shift) % 64));
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(word) | bits, word);
    const bucket = 16 + words * 8 + (hash % buckets) * 4;
    if (bytes.readUInt32LE(bucket) === 0) bytes.writeUInt32LE(first + index, bucket);
    const last = index + 1 === hashed.length || hashed[index + 1].hash % buckets !== hash % buckets;
    const chain = 16 + words * 8 + buckets * 4 + index * 4;
    bytes.writeUInt32LE(((hash & ~1) | (last ? 1 : 0)) >>> 0, chain);
  });
  return { bytes, order: hashed.map(({ index }) => index) };
}

function gnuHash(name) {
  let hash = 5381;
  for (const byte of Buffer.from(name, "latin1")) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return hash;
}

function range(length, make) {
  return Array.from({ length }, (_, index) => make(index));
}
