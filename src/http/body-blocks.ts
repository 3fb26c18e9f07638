// Reads a body into blocks as it comes: no turn of the event loop copies all of it, and a worker can take the blocks
// over. Main thread.

import type { Readable } from 'node:stream';
import { ServiceError } from '../errors.js';
import { bodyChunks } from './body-chunks.js';

const BLOCK_BYTES = 1024 * 1024;

export interface BodyLimits {
  bytesMax: number;
  /** For the whole body. */
  timeoutMs: number;
  /** By the content-length header; NaN where there is none. */
  bytesExpected: number;
}

/**
 * The blocks of a body, each with a buffer to itself; none where it is empty.
 * @throws body_too_large, body_timeout, what the stream fails with; the rest of the body is read and thrown away then
 */
export async function readBlocks(
  body: Readable,
  { bytesMax, bytesExpected, timeoutMs }: BodyLimits,
): Promise<Uint8Array[]> {
  const writer = new BlockWriter(Math.min(BLOCK_BYTES, bytesExpected || BLOCK_BYTES));
  try {
    if (bytesExpected > bytesMax) throw new ServiceError('body_too_large', { bytesMax });
    for await (const chunk of bodyChunks(body, { timeoutMs, for: 'body' })) {
      writer.write(chunk);
      if (writer.bytes > bytesMax) throw new ServiceError('body_too_large', { bytesMax });
    }
    return writer.blocks();
  } catch (error) {
    body.resume();
    throw error;
  }
}

class BlockWriter {
  readonly #full: Uint8Array[] = [];
  readonly #blockBytes: number;
  #block: Uint8Array | undefined;
  #filled = 0;

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  get bytes(): number {
    return this.#full.length * this.#blockBytes + this.#filled;
  }

  write(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length; ) {
      this.#block ??= Buffer.allocUnsafeSlow(this.#blockBytes);
      const count = Math.min(chunk.length - done, this.#blockBytes - this.#filled);
      this.#block.set(chunk.subarray(done, done + count), this.#filled);
      this.#filled += count;
      done += count;
      if (this.#filled < this.#blockBytes) continue;
      this.#full.push(this.#block);
      this.#block = undefined;
      this.#filled = 0;
    }
  }

  blocks(): Uint8Array[] {
    return this.#block === undefined ? this.#full : [...this.#full, this.#block.subarray(0, this.#filled)];
  }
}
