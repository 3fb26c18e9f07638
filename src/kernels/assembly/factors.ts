// The three factors of a vector in its block; layout.ts gives their place. `factors` is the address of the add factor.

/** eps0 of the paper: the width of the error bound in standard deviations. */
export const ERROR_WIDTH: f32 = 1.9;
/** Of the factors of a block together, of one kind of a block, and of one vector's one. */
export const BLOCK_FACTOR_BYTES: u32 = 192;
export const FACTOR_KIND_BYTES: u32 = 64;
export const FACTOR_BYTES: u32 = 2;

@inline
export function addFactor(factors: usize): f32 {
  return reinterpret<f32>(<u32>load<u16>(factors) << 16);
}

@inline
export function rescaleFactor(factors: usize): f32 {
  return reinterpret<f32>(<u32>load<u16>(factors, FACTOR_KIND_BYTES) << 16);
}

@inline
export function errorFactor(factors: usize): f32 {
  return reinterpret<f32>(<u32>load<u16>(factors, 2 * FACTOR_KIND_BYTES) << 16);
}

export function storeFactors(factors: usize, add: f32, rescale: f32, error: f32): void {
  store<u16>(factors, upperHalf(add));
  store<u16>(factors, upperHalf(rescale), FACTOR_KIND_BYTES);
  store<u16>(factors, upperHalf(error), 2 * FACTOR_KIND_BYTES);
}

/** Rounded to the nearest. */
@inline
function upperHalf(value: f32): u32 {
  return (reinterpret<u32>(value) + 0x8000) >> 16;
}
