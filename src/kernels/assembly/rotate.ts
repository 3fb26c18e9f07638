// The fast random rotation of vectors, in place: four rounds of random signs, Walsh-Hadamard transform and, where
// the dimension is no power of two, a half butterfly (a Kac walk step). Orthogonal: it keeps norms and products.

export function rotate(vector: usize, dim: u32, signs: usize): void {
  const length: u32 = 1 << (31 - clz(dim));
  const scale: f32 = 1 / sqrt(<f32>length);
  const tail = vector + ((dim - length) << 2);
  for (let round: u32 = 0; round < 4; round++) {
    flipSigns(vector, dim, signs + ((round * dim) << 2));
    transform(round & 1 ? tail : vector, length, scale);
    if (length != dim) halfButterfly(vector, dim);
  }
}

@inline
function flipSigns(vector: usize, dim: u32, signs: usize): void {
  for (let i: u32 = 0; i < dim; i += 4) {
    const at = i << 2;
    v128.store(vector + at, v128.xor(v128.load(vector + at), v128.load(signs + at)));
  }
}

/** (x, y) -> (x + y, x - y) / sqrt(2) over the two halves. The four rounds' factors multiply to the 1/4 of the formula. */
@inline
function halfButterfly(vector: usize, dim: u32): void {
  const scale = f32x4.splat(<f32>Math.SQRT1_2);
  const half = dim << 1;
  for (let at: u32 = 0; at < half; at += 16) {
    const low = vector + at;
    const high = low + half;
    const x = v128.load(low);
    const y = v128.load(high);
    v128.store(low, f32x4.mul(f32x4.add(x, y), scale));
    v128.store(high, f32x4.mul(f32x4.sub(x, y), scale));
  }
}

/** Walsh-Hadamard transform of `length` floats (a power of two, at least 8), times `scale`. */
function transform(values: usize, length: u32, scale: f32): void {
  const bytes = length << 2;
  transformQuads(values, bytes, f32x4.splat(scale));
  let step: u32 = 16;
  // An odd number of levels begins with one of radix 2, the others go two by two.
  if (ctz(length) & 1) {
    for (let at: u32 = 0; at < bytes; at += 32) {
      const x = v128.load(values + at);
      const y = v128.load(values + at, 16);
      v128.store(values + at, f32x4.add(x, y));
      v128.store(values + at, f32x4.sub(x, y), 16);
    }
    step = 32;
  }
  for (; step < bytes; step <<= 2) {
    for (let start: u32 = 0; start < bytes; start += step << 2) {
      for (let at = start; at < start + step; at += 16) radixFour(values + at, step);
    }
  }
}

/** The two levels inside each four floats, and the scale. */
@inline
function transformQuads(values: usize, bytes: u32, scale: v128): void {
  const oddSigns = i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE);
  const highSigns = i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE);
  for (let at: u32 = 0; at < bytes; at += 16) {
    const x = f32x4.mul(v128.load(values + at), scale);
    const y = f32x4.add(v128.shuffle<f32>(x, x, 1, 0, 3, 2), v128.xor(x, oddSigns));
    v128.store(values + at, f32x4.add(v128.shuffle<f32>(y, y, 2, 3, 0, 1), v128.xor(y, highSigns)));
  }
}

@inline
function radixFour(at: usize, step: u32): void {
  const second = at + step;
  const third = second + step;
  const fourth = third + step;
  const a = v128.load(at);
  const b = v128.load(second);
  const c = v128.load(third);
  const d = v128.load(fourth);
  const sumAb = f32x4.add(a, b);
  const differenceAb = f32x4.sub(a, b);
  const sumCd = f32x4.add(c, d);
  const differenceCd = f32x4.sub(c, d);
  v128.store(at, f32x4.add(sumAb, sumCd));
  v128.store(second, f32x4.add(differenceAb, differenceCd));
  v128.store(third, f32x4.sub(sumAb, sumCd));
  v128.store(fourth, f32x4.sub(differenceAb, differenceCd));
}
