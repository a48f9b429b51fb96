export function withoutSymbols(binary: Buffer): Buffer;
