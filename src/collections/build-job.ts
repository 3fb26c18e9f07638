// One build of an index as callers see it: its state, progress, events and cancellation. Main thread.

import { setTimeout } from 'node:timers/promises';
import type { BuildStatus } from '../contract/build.js';
import { ServiceError } from '../errors.js';
import { BuildControl } from '../index/build/control.js';

/** Events are at least this far apart. */
const EVENT_INTERVAL_MS = 250;
/** Progress below which an estimate of the time left would be a guess. */
const ETA_PROGRESS_MIN = 0.02;

type State = BuildStatus['state'];

export class BuildJob {
  readonly generation: number;
  readonly pointsCount: number;
  /** Resolves with the last status, whatever it is; never rejects. */
  readonly done: Promise<BuildStatus>;
  /** Progress and cancellation as the threads of the build see them. */
  readonly control = new BuildControl();
  readonly #cancellation = new AbortController();
  readonly #startedAt = new Date();
  readonly #startedMs = performance.now();
  #end: (status: BuildStatus) => void = () => {};
  #state: State = 'queued';
  #isSwitching = false;
  #endedMs: number | undefined;
  #finishedAt: Date | undefined;
  #error: unknown;

  constructor(options: { generation: number; pointsCount: number }) {
    this.generation = options.generation;
    this.pointsCount = options.pointsCount;
    this.done = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get isActive(): boolean {
    return this.#finishedAt === undefined;
  }

  get elapsedSeconds(): number {
    return ((this.#endedMs ?? performance.now()) - this.#startedMs) / 1000;
  }

  /** Asks the build to stop; one that is being switched to goes on. */
  cancel(): void {
    this.control.cancel();
    this.#cancellation.abort();
  }

  /** Aborted once `cancel` was called. */
  get canceled(): AbortSignal {
    return this.#cancellation.signal;
  }

  /** The index is built and about to take the place of the old one. @throws build_canceled */
  beginSwitch(): void {
    if (this.control.canceled) throw new ServiceError('build_canceled');
    this.#isSwitching = true;
  }

  /** Why it failed; undefined unless it did. */
  get failure(): unknown {
    return this.#error;
  }

  succeed(): void {
    this.#finish('succeeded');
  }

  fail(error: unknown): void {
    // A failed thread stops the others by the same flag: only the error tells a cancellation from a failure.
    const canceled = error instanceof ServiceError && error.code === 'build_canceled' && !this.#isSwitching;
    if (!canceled) this.#error = error;
    this.#finish(canceled ? 'canceled' : 'failed');
  }

  status(): BuildStatus {
    const { phase, progress } = this.#progress();
    const status: BuildStatus = {
      state: this.#state === 'queued' && phase !== 'queued' ? 'running' : this.#state,
      phase,
      progress,
      elapsed_seconds: this.elapsedSeconds,
      points_count: this.pointsCount,
      generation: this.generation,
      started_at: this.#startedAt.toISOString(),
    };
    if (this.#finishedAt) status.finished_at = this.#finishedAt.toISOString();
    else if (progress >= ETA_PROGRESS_MIN)
      status.eta_seconds = (this.elapsedSeconds * (1 - progress)) / progress;
    if (this.#error !== undefined) status.error = describeError(this.#error);
    return status;
  }

  /** The status now and at each change, the last one included; ends early when `signal` is aborted. */
  async *events(signal?: AbortSignal): AsyncGenerator<BuildStatus> {
    let shown = '';
    while (!signal?.aborted) {
      const status = this.status();
      const look = `${status.state} ${status.phase} ${status.progress.toFixed(3)}`;
      if (look !== shown) yield status;
      shown = look;
      if (status.finished_at !== undefined) return;
      await this.#pause(signal);
    }
  }

  /** Until the next event is due, the build ends, or the listener leaves. */
  async #pause(signal: AbortSignal | undefined): Promise<void> {
    const timer = new AbortController();
    const signals = signal ? [signal, timer.signal] : [timer.signal];
    const interval = setTimeout(EVENT_INTERVAL_MS, undefined, { signal: AbortSignal.any(signals) }).catch(
      () => {},
    );
    await Promise.race([interval, this.done]);
    timer.abort();
  }

  #progress(): { phase: string; progress: number } {
    if (this.#state === 'succeeded') return { phase: 'done', progress: 1 };
    return { phase: this.#isSwitching ? 'switching' : this.control.phase, progress: this.control.progress };
  }

  #finish(state: State): void {
    this.#state = state;
    this.#endedMs = performance.now();
    this.#finishedAt = new Date();
    this.#end(this.status());
  }
}

/** Expected failures tell what went wrong, without the names of files; defects are for the log. */
function describeError(error: unknown): { code: string; message: string } {
  const known = error instanceof ServiceError ? error : new ServiceError('internal');
  return { code: known.code, message: known.publicMessage };
}
