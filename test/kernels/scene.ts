// Blocks of random codes and a random query in an arena, and what scans must make of them.

import type { KernelBits } from '../../src/kernels/kernels.js';
import {
  BLOCK_VECTORS,
  blockBytes,
  codeBytes,
  TABLE_OUT_BYTES,
  tableBytes,
} from '../../src/kernels/layout.js';
import { Arena, gaussian, random } from './arena.js';
import * as reference from './reference.js';

export interface Scene {
  arena: Arena;
  dim: number;
  bits: KernelBits;
  tables: { address: number; view: Uint8Array };
  tableOut: { address: number; view: Float32Array };
  blocks: number;
  /** add + rescale * <xbar, q> of each vector by the reference, from the tables' own bytes */
  estimates: number[];
  errors: number[];
  /** what rounded tables add to the error: 1.9 deviations */
  tableErrors: number[];
}

/** The factors of a block, 32 of each kind. */
export function factorsOf(arena: Arena, address: number): Uint16Array {
  return new Uint16Array(arena.memory.buffer, address, 3 * BLOCK_VECTORS);
}

/** Blocks of random codes and factors, a random query, and the estimates they must give. */
export function scene(dim: number, bits: KernelBits, count: number, deviation = 1): Scene {
  const arena = new Arena(32 * 2 ** 20);
  const next = random(dim + bits);
  const query = arena.floats(gaussian(next, dim, deviation));
  const tables = arena.bytes(tableBytes(dim));
  const tableOut = arena.floats(TABLE_OUT_BYTES / 4);
  arena.kernels.buildTables(query.address, dim, tables.address, tableOut.address);
  const codeTotal = codeBytes(dim, bits);
  const blockTotal = Math.ceil(count / BLOCK_VECTORS);
  const { address: blocks, view } = arena.bytes(blockTotal * blockBytes(dim, bits));
  const estimates: number[] = [];
  const errors: number[] = [];
  const tableErrors: number[] = [];
  const [scale, minima, sum] = tableOut.view as unknown as [number, number, number];
  for (let b = 0; b < blockTotal; b++) {
    const block = view.subarray(b * blockBytes(dim, bits), (b + 1) * blockBytes(dim, bits));
    for (let i = 0; i < codeTotal; i++) block[i] = Math.floor(next() * 256);
    const halves = gaussian(next, 3 * BLOCK_VECTORS).map(reference.halfOfFloat);
    factorsOf(arena, block.byteOffset + codeTotal).set(halves);
    const factors = Array.from(halves, reference.floatOfHalf);
    for (let lane = 0; lane < BLOCK_VECTORS; lane++) {
      const looked = reference.lookUpSum(tables.view, block, { dim, bits }, lane);
      const product = scale * looked + (2 ** bits - 1) * (minima - sum / 2);
      estimates.push((factors[lane] as number) + (factors[lane + 32] as number) * product);
      errors.push(factors[lane + 64] as number);
      const entries = (dim / 4) * ((4 ** bits - 1) / 3);
      tableErrors.push((factors[lane + 32] as number) * 1.9 * scale * Math.sqrt(entries / 12));
    }
  }
  return { arena, dim, bits, tables, tableOut, blocks, estimates, errors, tableErrors };
}
