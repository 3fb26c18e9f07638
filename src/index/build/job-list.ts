// The jobs of the next run, collected in shared memory. Runs on the leader of a build.

import { JOB_WORDS } from './arena.js';
import type { ArenaViews } from './arena-views.js';
import type { Team } from './team.js';

export class JobList {
  readonly #views: ArenaViews;
  readonly #team: Team;
  #count = 0;

  constructor(views: ArenaViews, team: Team) {
    this.#views = views;
    this.#team = team;
  }

  /** What the words mean, the kind of the job says. */
  add(...words: number[]): void {
    if (this.#count >= this.#views.shape.jobsMax) throw new Error('more jobs than the arena has room for');
    this.#views.jobs.set(words, this.#count * JOB_WORDS);
    this.#count++;
  }

  /** Adds jobs [first, end, ...rest] that cover 0..total in steps. */
  addRanges(total: number, step: number, ...rest: number[]): void {
    for (let first = 0; first < total; first += step) this.add(first, Math.min(total, first + step), ...rest);
  }

  /** Has them done, and starts a new list. */
  run(kind: number): void {
    const count = this.#count;
    this.#count = 0;
    this.#team.run(kind, count);
  }
}
