// The control block of a build: progress, cancellation and what its threads wait on. Shared memory: any thread reads and cancels.

/** Words of the control block. */
export const CONTROL = {
  epoch: 0,
  kind: 1,
  jobs: 2,
  next: 3,
  finished: 4,
  ended: 5,
  failed: 6,
  canceled: 7,
  phase: 8,
  done: 9,
  total: 10,
} as const;
const CONTROL_WORDS = 16;

/** Each phase with its usual share of a build's time. */
const PHASES = [
  { name: 'queued', share: 0 },
  { name: 'sampling', share: 0.03 },
  { name: 'clustering', share: 0.2 },
  { name: 'assigning', share: 0.37 },
  { name: 'encoding', share: 0.2 },
  { name: 'writing', share: 0.05 },
  { name: 'calibrating', share: 0.15 },
] as const;
export type BuildPhase = (typeof PHASES)[number]['name'];

export class BuildControl {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(CONTROL_WORDS * 4)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
  }

  get phase(): BuildPhase {
    return (PHASES[Atomics.load(this.words, CONTROL.phase)] ?? PHASES[0]).name;
  }

  /** 0..1 over the whole build, by the phases' usual shares. */
  get progress(): number {
    const phase = Atomics.load(this.words, CONTROL.phase);
    const total = Atomics.load(this.words, CONTROL.total);
    const within = total === 0 ? 0 : Math.min(1, Atomics.load(this.words, CONTROL.done) / total);
    const before = PHASES.slice(0, phase).reduce((sum, { share }) => sum + share, 0);
    return Math.min(1, before + within * (PHASES[phase]?.share ?? 0));
  }

  /** Starts a phase of `total` units of work. */
  enter(phase: BuildPhase, total: number): void {
    Atomics.store(this.words, CONTROL.done, 0);
    Atomics.store(this.words, CONTROL.total, total);
    const index = PHASES.findIndex(({ name }) => name === phase);
    Atomics.store(this.words, CONTROL.phase, index);
  }

  advance(units: number): void {
    Atomics.add(this.words, CONTROL.done, units);
  }

  /** Makes every thread of the build stop at its next job. */
  cancel(): void {
    Atomics.store(this.words, CONTROL.canceled, 1);
    Atomics.notify(this.words, CONTROL.epoch);
    Atomics.notify(this.words, CONTROL.finished);
  }

  get canceled(): boolean {
    return Atomics.load(this.words, CONTROL.canceled) === 1;
  }

  /** Ready for the next team: the threads of the last one have ended. */
  reset(): void {
    for (const word of [CONTROL.epoch, CONTROL.ended, CONTROL.failed]) Atomics.store(this.words, word, 0);
  }
}
