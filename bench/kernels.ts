// Speed of each kernel on one thread: ns per vector and multiply-adds per second, in cache and from RAM.
// Usage: node dist/bench/kernels.js [--smoke]   Prints a table, then the same as one line of JSON.

import { instantiateKernels, type KernelBits, type KernelMetric } from '../src/kernels/kernels.js';
import {
  ASSIGN_BEST_BYTES,
  BLOCK_VECTORS,
  BUFFER,
  BUFFER_HEADER_BYTES,
  blockBytes,
  CANDIDATE_BYTES,
  LEAF,
  LEAF_ENTRY_BYTES,
  METRIC_NUMBER,
  signWords,
  TABLE_OUT_BYTES,
  tableBytes,
} from '../src/kernels/layout.js';

interface Result {
  kernel: string;
  dim: number;
  bits: number | undefined;
  place: 'cache' | 'RAM';
  nsPerVector: number;
  gigaMacPerSecond: number | undefined;
}

const smoke = process.argv.includes('--smoke');
const CACHE_BYTES = smoke ? 2 ** 14 : 2 ** 18;
const RAM_BYTES = smoke ? 2 ** 16 : 2 ** 28;
const MEASURE_MS = smoke ? 1 : 400;
const BATCH_MS = 0.05;
const PAGE_BYTES = 65_536;

const memory = new WebAssembly.Memory({
  initial: Math.ceil((RAM_BYTES + 2 ** 24) / PAGE_BYTES),
  maximum: PAGE_BYTES,
  shared: true,
});
const kernels = instantiateKernels(memory);
const results: Result[] = [];
let seed = 1;
let next = 64;

function allocate(bytes: number): number {
  const address = next;
  next = Math.ceil((address + bytes) / 64) * 64;
  if (next > memory.buffer.byteLength) throw new RangeError(`no room for ${bytes} bytes`);
  return address;
}

function uniform(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

function randomFloats(count: number): number {
  const address = allocate(count * 4);
  const view = new Float32Array(memory.buffer, address, count);
  for (let i = 0; i < count; i++) view[i] = uniform() - 0.5;
  return address;
}

/**
 * Measures `run`, which handles `vectors` vectors a call: the fastest of many short batches, as other work on the
 * machine only ever adds time.
 */
function measure(
  kernel: string,
  options: {
    dim: number;
    bits?: KernelBits;
    place: 'cache' | 'RAM';
    vectors: number;
    macsPerVector?: number;
  },
  run: () => void,
): void {
  const warmUntil = performance.now() + MEASURE_MS / 4;
  let calls = 0;
  const started = performance.now();
  do {
    run();
    calls++;
  } while (performance.now() < warmUntil);
  const batch = Math.max(1, Math.round((BATCH_MS * calls) / (performance.now() - started)));
  let best = Number.POSITIVE_INFINITY;
  const until = performance.now() + MEASURE_MS;
  do {
    const begun = performance.now();
    for (let i = 0; i < batch; i++) run();
    best = Math.min(best, (performance.now() - begun) / batch);
  } while (performance.now() < until);
  const nsPerVector = (best * 1e6) / options.vectors;
  const { dim, bits, place, macsPerVector } = options;
  const gigaMacPerSecond = macsPerVector === undefined ? undefined : macsPerVector / nsPerVector;
  results.push({ kernel, dim, bits, place, nsPerVector, gigaMacPerSecond });
}

/** Runs a bench on fresh memory, once for each size of data. */
function inBothPlaces(
  bytesPerVector: number,
  bench: (place: 'cache' | 'RAM', vectors: number) => void,
): void {
  for (const place of ['cache', 'RAM'] as const) {
    next = 64;
    const bytes = place === 'cache' ? CACHE_BYTES : RAM_BYTES;
    bench(place, Math.ceil(bytes / bytesPerVector / BLOCK_VECTORS) * BLOCK_VECTORS);
  }
}

/** A buffer that, as late in a search, lets next to nothing in. */
function candidateBuffer(threshold: number): number {
  const capacity = 2048;
  const address = allocate(BUFFER_HEADER_BYTES);
  const view = new DataView(memory.buffer, address);
  view.setUint32(BUFFER.count, 0, true);
  view.setUint32(BUFFER.capacity, capacity, true);
  view.setUint32(BUFFER.keep, capacity / 2, true);
  view.setFloat32(BUFFER.threshold, threshold, true);
  view.setUint32(BUFFER.candidates, allocate(capacity * CANDIDATE_BYTES), true);
  return address;
}

/** Leaves of about 400 vectors over consecutive blocks (or codes) of `bytes` per 32 vectors. */
function leavesOver(blocks: number, bytes: number, vectors: number): { address: number; count: number } {
  const perLeaf = 416;
  const count = Math.ceil(vectors / perLeaf);
  const tombstones = allocate(Math.ceil(vectors / 8) + 1);
  new Uint8Array(memory.buffer, tombstones, Math.ceil(vectors / 8) + 1).fill(0);
  const address = allocate(count * LEAF_ENTRY_BYTES);
  for (let i = 0; i < count; i++) {
    const view = new DataView(memory.buffer, address + i * LEAF_ENTRY_BYTES);
    view.setUint32(LEAF.blocks, blocks + ((i * perLeaf) / BLOCK_VECTORS) * bytes, true);
    view.setUint32(LEAF.count, Math.min(perLeaf, vectors - i * perLeaf), true);
    view.setUint32(LEAF.firstPosition, i * perLeaf, true);
    view.setUint32(LEAF.tombstones, tombstones, true);
    view.setUint32(LEAF.firstBit, i * perLeaf, true);
    view.setFloat32(LEAF.constant, 1, true);
    view.setFloat32(LEAF.errorScale, 1, true);
    view.setUint32(LEAF.leafNumbers, 0, true);
  }
  return { address, count };
}

function benchScan(dim: number, bits: KernelBits): void {
  inBothPlaces(blockBytes(dim, bits) / BLOCK_VECTORS, (place, vectors) => {
    const blocks = randomFloats((blockBytes(dim, bits) / 4) * (vectors / BLOCK_VECTORS));
    const query = randomFloats(dim);
    const tables = allocate(tableBytes(dim));
    const tableOut = allocate(TABLE_OUT_BYTES);
    kernels.buildTables(query, dim, tables, tableOut);
    const leaves = leavesOver(blocks, blockBytes(dim, bits), vectors);
    const buffer = candidateBuffer(-1e30);
    measure('scanLeaves', { dim, bits, place, vectors }, () => {
      kernels.scanLeaves(tables, tableOut, dim, bits, leaves.address, leaves.count, buffer);
    });
  });
}

function benchHamming(dim: number): void {
  const words = signWords(dim);
  inBothPlaces(words * 16, (place, vectors) => {
    const codes = randomFloats(words * 4 * vectors);
    const leaves = leavesOver(codes, words * 16 * BLOCK_VECTORS, vectors);
    const buffer = candidateBuffer(0);
    measure('scanHamming', { dim, place, vectors }, () => {
      kernels.scanHamming(codes, words, leaves.address, leaves.count, buffer);
    });
  });
}

function benchDistances(dim: number, metric: keyof typeof METRIC_NUMBER): void {
  const number: KernelMetric = METRIC_NUMBER[metric];
  inBothPlaces(dim * 4, (place, vectors) => {
    const rows = randomFloats(dim * vectors);
    const query = randomFloats(dim);
    const out = allocate(vectors * 4);
    measure(`distances ${metric}`, { dim, place, vectors, macsPerVector: dim }, () => {
      kernels.distances(query, rows, vectors, dim, number, out);
    });
  });
}

function benchAssign(dim: number): void {
  next = 64;
  const vectors = smoke ? 8 : 512;
  const centroidCount = smoke ? 5 : 128;
  const points = randomFloats(vectors * dim);
  const centroids = randomFloats(centroidCount * dim);
  const norms = randomFloats(centroidCount);
  const list = allocate(centroidCount * 4);
  new Uint32Array(memory.buffer, list, centroidCount).forEach((_, i, view) => {
    view[i] = i;
  });
  const numbers = allocate(vectors * 4);
  new Uint32Array(memory.buffer, numbers, vectors).forEach((_, i, view) => {
    view[i] = i;
  });
  const nearest = allocate(vectors * 4);
  const best = allocate(ASSIGN_BEST_BYTES);
  measure('assign', { dim, place: 'cache', vectors, macsPerVector: dim * centroidCount }, () => {
    kernels.assign(points, numbers, vectors, dim, centroids, norms, list, centroidCount, nearest, best);
  });
}

/** The kernels that handle one vector a call. */
function benchSingle(dim: number, bits: KernelBits): void {
  next = 64;
  const vector = randomFloats(dim);
  const centroid = randomFloats(dim);
  const signs = allocate(dim * 16);
  const words = new Uint32Array(memory.buffer, signs, dim * 4);
  for (let i = 0; i < words.length; i++) words[i] = uniform() < 0.5 ? 0 : 0x80000000;
  const block = allocate(blockBytes(dim, bits));
  const tables = allocate(tableBytes(dim));
  const tableOut = allocate(TABLE_OUT_BYTES);
  const one = { dim, place: 'cache', vectors: 1 } as const;
  measure('rotate', one, () => kernels.rotate(vector, dim, signs));
  measure('buildTables', { ...one, bits }, () => kernels.buildTables(vector, dim, tables, tableOut));
  measure('encode', { ...one, bits }, () => kernels.encode(vector, centroid, dim, dim, bits, 0, block, 0));
}

for (const [dim, bits] of [
  [104, 1],
  [104, 2],
  [104, 4],
  [768, 1],
  [768, 2],
] as const) {
  benchScan(dim, bits);
  benchSingle(dim, bits);
}
benchHamming(768);
for (const dim of [104, 768]) {
  for (const metric of ['l2', 'cosine', 'dot'] as const) benchDistances(dim, metric);
  benchAssign(dim);
}

console.table(
  results.map(({ kernel, dim, bits, place, nsPerVector, gigaMacPerSecond }) => ({
    kernel,
    dim,
    bits: bits ?? '',
    place,
    'ns/vector': nsPerVector.toFixed(2),
    'GMAC/s': gigaMacPerSecond?.toFixed(1) ?? '',
  })),
);
console.log(JSON.stringify({ bench: 'kernels', node: process.version, smoke, results }));
