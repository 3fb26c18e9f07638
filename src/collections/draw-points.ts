// Draws stored points as queries: distinct live ones, evenly from all of them, however many positions are dead. Main thread.

import { runInTurns } from '../turns.js';
import { shuffledNumbers } from './shuffled-numbers.js';
import type { LiveView } from './views.js';

/** Dead positions passed over between two looks at the clock. */
const POSITIONS_PER_STEP = 64;

/** Positions of one view, each looked at once. */
interface Order {
  viewKey: string;
  positions: number;
  numbers: Iterator<number, undefined>;
}

export class PointDrawer {
  readonly #drawn = new Set<number>();
  /** Begun anew with the next view, or new points. */
  #order: Order | undefined;

  /** Points drawn so far. */
  get count(): number {
    return this.#drawn.size;
  }

  /** The row of a live point that was not drawn yet; undefined where there is none. Without writes the same ones each time. */
  async next(live: LiveView): Promise<number | undefined> {
    return runInTurns(this.#look(live));
  }

  *#look(live: LiveView): Generator<undefined, number | undefined> {
    const { generation } = live.served;
    const { numbers } = this.#orderOf(live);
    for (let looked = 1; ; looked++) {
      const position = numbers.next().value;
      if (position === undefined) return undefined;
      const row = generation.rowOf(position);
      if (!generation.isDead(position) && !this.#drawn.has(row)) {
        this.#drawn.add(row);
        return row;
      }
      if (looked % POSITIONS_PER_STEP === 0) yield;
    }
  }

  #orderOf({ view, served }: LiveView): Order {
    const positions = view.slots + served.generation.pendingCount;
    if (this.#order?.viewKey === view.key && this.#order.positions === positions) return this.#order;
    this.#order = { viewKey: view.key, positions, numbers: shuffledNumbers(positions, positions) };
    return this.#order;
  }
}
