// How long each activity takes on this machine, beside the load of the test: kills are to come in the middle of it.

import type { Activity } from './crash-plan.js';

const CORRECTION = 1.5;

export class Pace {
  readonly #durationsMs: Record<Activity, number>;

  /** Starts with what each takes once. */
  constructor(durationsMs: Record<Activity, number>) {
    this.#durationsMs = { ...durationsMs };
  }

  /** The instant that stands in the plan as a multiple of the activity's time. */
  killAfterMs(activity: Activity, killAfter: number): number {
    return Math.round(killAfter * this.#durationsMs[activity]);
  }

  /** Corrects the duration where a round was much longer or shorter than what came to an end in it. */
  learn(activity: Activity, killAfter: number, completed: number): void {
    if (completed === 0 && killAfter > 1) this.#durationsMs[activity] *= CORRECTION;
    if (completed > 2 * killAfter + 1) this.#durationsMs[activity] /= CORRECTION;
  }

  toString(): string {
    const texts = Object.entries(this.#durationsMs).map(
      ([activity, ms]) => `${activity} ${Math.round(ms)} ms`,
    );
    return texts.join(', ');
  }
}
