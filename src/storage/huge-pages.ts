// Large memories in pages of 2 MiB instead of 4 KiB. Runs on any thread.

import { platform } from 'node:os';
import { mmap } from './mmap-addon.js';

/** Of madvise(2) on Linux; elsewhere the number means other things. */
const MADV_HUGEPAGE = 14;
/** The addon takes sizes as 32-bit integers. */
const STEP_BYTES = 1024 * 1024 * 1024;

/**
 * Lets the kernel back a WebAssembly memory, before it is written to, with huge pages: a fault for each 4 KiB takes
 * most of the time in which a new index is filled, and scans miss the TLB less. Does nothing where it cannot be had.
 */
export function preferHugePages({ buffer }: WebAssembly.Memory): void {
  if (platform() !== 'linux') return;
  try {
    for (let start = 0; start < buffer.byteLength; start += STEP_BYTES) {
      const part = Buffer.from(buffer, start, Math.min(STEP_BYTES, buffer.byteLength - start));
      mmap.advise(part, MADV_HUGEPAGE as Parameters<typeof mmap.advise>[1]);
    }
  } catch {
    // A kernel built without them.
  }
}
