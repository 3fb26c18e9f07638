// What stored rows look like: the numbers of metrics and precisions, and the length of a row. The formats are those of
// contract/stored-vector.ts.

export const L2: u32 = 0;
export const COSINE: u32 = 1;
export const DOT: u32 = 2;

export const FLOAT32: u32 = 0;
export const FLOAT16: u32 = 1;
export const INT8: u32 = 2;

/** Where the numbers of a float16 row begin: behind the scale. */
export const HALVES_OFFSET: u32 = 4;
/** Where those of an int8 row begin: behind the scale and the sum of squares. */
export const BYTES_OFFSET: u32 = 8;

export function rowBytes(dim: u32, precision: u32): u32 {
  if (precision == FLOAT16) return (HALVES_OFFSET + (dim << 1) + 3) & ~3;
  if (precision == INT8) return (BYTES_OFFSET + dim + 3) & ~3;
  return dim << 2;
}
