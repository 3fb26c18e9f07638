// Where the points come from: a file, or a pipe. Command line.

import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { InputError } from './import-request.js';

const CHUNK_BYTES = 1024 * 1024;

interface PipeInput {
  chunks(): AsyncIterable<Uint8Array>;
  /** Undefined where it is not known. */
  bytes: number | undefined;
  close(): Promise<void>;
}

interface FileInput extends PipeInput {
  /** Fewer bytes only where the file ends. */
  readAt(start: number, end: number): Promise<Uint8Array>;
}

export type Input = PipeInput | FileInput;

/** `-` is stdin. @throws InputError where the file cannot be read */
export async function openInput(file: string, stdin: Readable): Promise<Input> {
  if (file === '-') return { chunks: () => stdin, bytes: undefined, close: async () => void stdin.destroy() };
  try {
    const handle = await open(file);
    const stat = await handle.stat();
    const pipe = {
      chunks: () => handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false }),
      bytes: stat.isFile() ? stat.size : undefined,
      close: () => handle.close(),
    };
    // Of a named pipe, like stdin, nothing can be read twice.
    if (!stat.isFile()) return pipe;
    const readAt = async (start: number, end: number) => {
      const buffer = Buffer.allocUnsafeSlow(end - start);
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    };
    return { ...pipe, readAt };
  } catch (error) {
    throw new InputError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
