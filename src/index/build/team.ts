// Threads that work through one list of jobs together: a leader that decides, helpers that serve. Runs on build workers.
//
// The leader writes jobs into shared memory and calls `run`; every thread takes the next job by an atomic counter until none is left.
// Helpers do nothing but serve, so the algorithm reads as one sequential program on the leader.

import { ServiceError } from '../../errors.js';
import { type BuildControl, CONTROL } from './control.js';

/** Tickets and job counts carry the number of their run above the job number. */
const JOBS_MAX = 2 ** 23;
const RUNS = 2 ** 7;

/** How long a thread sleeps before it looks again whether the build was canceled. */
const WAIT_MS = 50;

export type JobRunner = (kind: number, job: number) => void;

export class Team {
  readonly #control: BuildControl;
  readonly #words: Int32Array;
  readonly #runJob: JobRunner;

  constructor(control: BuildControl, runJob: JobRunner) {
    this.#control = control;
    this.#words = control.words;
    this.#runJob = runJob;
  }

  /**
   * Leader: has jobs 0..count-1 of one kind done by all threads, and returns when the last is done.
   * @throws build_canceled; Error when a helper failed
   */
  run(kind: number, count: number): void {
    const words = this.#words;
    const run = (Atomics.load(words, CONTROL.epoch) + 1) % RUNS;
    Atomics.store(words, CONTROL.finished, 0);
    Atomics.store(words, CONTROL.kind, kind);
    Atomics.store(words, CONTROL.jobs, run * JOBS_MAX + count);
    Atomics.store(words, CONTROL.next, run * JOBS_MAX);
    Atomics.add(words, CONTROL.epoch, 1);
    Atomics.notify(words, CONTROL.epoch);
    this.#takeJobs();
    for (;;) {
      this.checkCanceled();
      if (Atomics.load(words, CONTROL.failed) === 1) throw new Error('a build thread failed');
      const finished = Atomics.load(words, CONTROL.finished);
      if (finished === count) return;
      Atomics.wait(words, CONTROL.finished, finished, WAIT_MS);
    }
  }

  /** Leader: lets the helpers go. */
  end(): void {
    Atomics.store(this.#words, CONTROL.ended, 1);
    Atomics.notify(this.#words, CONTROL.epoch);
  }

  /** Helper: takes part in every run until the leader ends, or the build is canceled. */
  serve(): void {
    const words = this.#words;
    let epoch = 0;
    for (;;) {
      if (Atomics.load(words, CONTROL.ended) === 1 || this.#control.canceled) return;
      const now = Atomics.load(words, CONTROL.epoch);
      if (now === epoch) {
        Atomics.wait(words, CONTROL.epoch, epoch, WAIT_MS);
        continue;
      }
      epoch = now;
      try {
        this.#takeJobs();
      } catch (error) {
        Atomics.store(words, CONTROL.failed, 1);
        Atomics.notify(words, CONTROL.finished);
        throw error;
      }
    }
  }

  checkCanceled(): void {
    if (this.#control.canceled) throw new ServiceError('build_canceled');
  }

  /**
   * A ticket names the run it belongs to. A thread that comes late, when its run is over and the next one begins,
   * sees that ticket and job count are of different runs and takes nothing; while a taken job is not finished the
   * leader cannot go on, so `kind` is that of the ticket.
   */
  #takeJobs(): void {
    const words = this.#words;
    for (;;) {
      const ticket = Atomics.add(words, CONTROL.next, 1);
      const jobs = Atomics.load(words, CONTROL.jobs);
      const sameRun = Math.floor(ticket / JOBS_MAX) === Math.floor(jobs / JOBS_MAX);
      if (!sameRun || ticket % JOBS_MAX >= jobs % JOBS_MAX) return;
      this.checkCanceled();
      this.#runJob(Atomics.load(words, CONTROL.kind), ticket % JOBS_MAX);
      Atomics.add(words, CONTROL.finished, 1);
      Atomics.notify(words, CONTROL.finished);
    }
  }
}
