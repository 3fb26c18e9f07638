// Cuts a stream into blocks of whole lines, with flat memory. Main thread.

const NEWLINE = 0x0a;

export interface BlockLimits {
  /** A block ends with the first line that brings it to this size. */
  blockBytes: number;
  /** A longer line is cut to one byte more: its reader sees that it is too long. */
  lineBytesMax: number;
}

/** Blocks of whole lines in order; only the last may lack its final newline. Does not destroy the source. */
export async function* lineBlocks(
  source: AsyncIterable<Uint8Array>,
  limits: BlockLimits,
): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let lineBytes = 0;
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; ) {
      const newline = chunk.indexOf(NEWLINE, start);
      const ends = newline !== -1;
      const end = ends ? newline : chunk.length;
      const room = limits.lineBytesMax + 1 - lineBytes;
      const kept = chunk.subarray(start, Math.min(end, start + room));
      lineBytes += kept.length;
      bytes += append(parts, kept);
      start = end;
      if (!ends) continue;
      bytes += append(parts, chunk.subarray(newline, newline + 1));
      start = newline + 1;
      lineBytes = 0;
      if (bytes < limits.blockBytes) continue;
      yield join(parts, bytes);
      bytes = 0;
    }
  }
  if (bytes > 0) yield join(parts, bytes);
}

/** Pieces that follow each other in one chunk become one part: a line of its own each would be thousands. */
function append(parts: Uint8Array[], piece: Uint8Array): number {
  const last = parts.at(-1);
  if (
    last !== undefined &&
    last.buffer === piece.buffer &&
    last.byteOffset + last.length === piece.byteOffset
  ) {
    parts[parts.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + piece.length);
  } else if (piece.length > 0) {
    parts.push(piece);
  }
  return piece.length;
}

/** A block on a buffer of its own, which a worker can take over; empties `parts`. */
function join(parts: Uint8Array[], bytes: number): Uint8Array {
  const block = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts.splice(0)) {
    block.set(part, at);
    at += part.length;
  }
  return block;
}
