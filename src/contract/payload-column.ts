// The payloads of many points in one piece: thousands of small arrays would be slow to hand to another thread. Runs on any thread.

export interface PayloadColumn {
  /** JSON in UTF-8, one payload behind the other. */
  bytes: Uint8Array;
  /** Where each point's payload ends in `bytes`; it starts where the one before ends. A point without one has no bytes. */
  ends: Uint32Array;
}

/** Copies the payloads, as `encodePayload` makes them. */
export function packPayloads(payloads: readonly (Uint8Array | null)[]): PayloadColumn {
  const ends = new Uint32Array(payloads.length);
  let end = 0;
  for (const [index, payload] of payloads.entries()) {
    end += payload?.byteLength ?? 0;
    ends[index] = end;
  }
  const bytes = new Uint8Array(end);
  for (const [index, payload] of payloads.entries()) {
    if (payload !== null) bytes.set(payload, startOf(ends, index));
  }
  return { bytes, ends };
}

/** A view of the payload of a point; null where it has none. */
export function payloadAt({ bytes, ends }: PayloadColumn, index: number): Uint8Array | null {
  const start = startOf(ends, index);
  const end = ends[index] as number;
  return start === end ? null : bytes.subarray(start, end);
}

function startOf(ends: Uint32Array, index: number): number {
  return index === 0 ? 0 : (ends[index - 1] as number);
}
