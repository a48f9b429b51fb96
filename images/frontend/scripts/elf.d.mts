export function withoutSymbols(binary: Buffer): Buffer;
export function withoutExports(binary: Buffer, wanted: (name: string) => boolean): Buffer;
export function dynamicSymbols(binary: Buffer): string[];
