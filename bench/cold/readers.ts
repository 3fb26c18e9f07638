// Readers of full vectors to compare with: one that asks for nothing ahead, and one that writes down what is read.

import type { PositionReader } from '../../src/index/query.js';

type Change = (reader: PositionReader) => Pick<PositionReader, 'copyListed'>;

function changed(reader: PositionReader, change: Change): PositionReader {
  return {
    precision: reader.precision,
    get pendingEnd() {
      return reader.pendingEnd;
    },
    copyInto: (position, target, offset) => reader.copyInto(position, target, offset),
    copyRange: (first, count, target) => reader.copyRange(first, count, target),
    ...change(reader),
  };
}

/** Row after row: each waits for its own page. */
export function rowByRow(stride: number): (reader: PositionReader) => PositionReader {
  return (reader) =>
    changed(reader, () => ({
      copyListed(positions, { target, batchRows, take }) {
        for (let first = 0; first < positions.length; first += batchRows) {
          const count = Math.min(batchRows, positions.length - first);
          for (let i = 0; i < count; i++) reader.copyInto(positions[first + i] as number, target, i * stride);
          take(first, count);
        }
      },
    }));
}

/** Adds the positions that are read to `trace`. */
export function traced(trace: number[]): (reader: PositionReader) => PositionReader {
  return (reader) =>
    changed(reader, () => ({
      copyListed(positions, sink) {
        for (const position of positions) trace.push(position);
        reader.copyListed(positions, sink);
      },
    }));
}
