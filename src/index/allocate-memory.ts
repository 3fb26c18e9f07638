// Shared WebAssembly memories: how they are made and how they grow. Runs on any thread.

import { ServiceError } from '../errors.js';
import { INDEX_MEMORY_BYTES_MAX } from '../limits.js';
import { PAGE_BYTES } from './memory-layout.js';

/** @throws memory_full past 4 GiB, where a wasm32 memory ends. */
export function allocateMemory(bytes: number): WebAssembly.Memory {
  if (bytes > INDEX_MEMORY_BYTES_MAX) throw indexFull(bytes, 0);
  const initial = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial, maximum: INDEX_MEMORY_BYTES_MAX / PAGE_BYTES, shared: true });
}

/**
 * Adds `bytes` at the end of the memory and returns their address. Growing is atomic: threads that grow at once get areas apart.
 * @throws memory_full
 */
export function growMemory(memory: WebAssembly.Memory, bytes: number): number {
  try {
    return memory.grow(Math.ceil(bytes / PAGE_BYTES)) * PAGE_BYTES;
  } catch {
    throw indexFull(bytes, memory.buffer.byteLength);
  }
}

/** What an area of `bytes` takes in a memory, which grows by pages. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Regions and areas start at a multiple of 64 bytes. */
export function wholeLines(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

export function indexFull(needed: number, used: number): ServiceError {
  return new ServiceError('memory_full', { needed, used, limit: INDEX_MEMORY_BYTES_MAX });
}
