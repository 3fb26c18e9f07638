// Writes lists of points as JSON text: no schema walk, and it makes way for other requests while it writes long ones. Main thread.

import { setImmediate } from 'node:timers/promises';
import type { Payload } from '../contract/payload.js';
import type { PointId } from '../contract/points.js';
import type { Encoding } from './params.js';
import { scoreText, vectorText } from './vector-text.js';

/** Floats written between two turns of the event loop: about a millisecond. */
const FLOATS_PER_TURN = 4096;
/** Payloads are small; this many points are written in one turn. */
const POINTS_PER_TURN = 100;

export interface WrittenPoint {
  id: PointId;
  score?: number | undefined;
  payload?: Payload | undefined;
  vector?: Float32Array | undefined;
}

/** Counts its work over all lists of one reply. */
export class PointsWriter {
  readonly #encoding: Encoding;
  #work = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  async write(points: readonly WrittenPoint[]): Promise<string> {
    const texts: string[] = [];
    for (const point of points) {
      texts.push(pointText(point, this.#encoding));
      this.#work += FLOATS_PER_TURN / POINTS_PER_TURN + (point.vector?.length ?? 0);
      if (this.#work < FLOATS_PER_TURN) continue;
      this.#work = 0;
      await setImmediate();
    }
    return `[${texts.join(',')}]`;
  }
}

export function pointText({ id, score, payload, vector }: WrittenPoint, encoding: Encoding): string {
  const scorePart = score === undefined ? '' : `,"score":${scoreText(score)}`;
  const payloadPart = payload === undefined ? '' : `,"payload":${JSON.stringify(payload)}`;
  const vectorPart = vector === undefined ? '' : `,"vector":${vectorText(vector, encoding)}`;
  return `{"id":${JSON.stringify(id)}${scorePart}${payloadPart}${vectorPart}}`;
}
