// What a collection must hold: every acknowledged write, and of those that a kill cut off, all or nothing.

import type { PlannedWrite } from './crash-plan.js';

export type PointVersion = [id: string, version: number];

export class ExpectedPoints {
  readonly #versions = new Map<string, number>();
  /** Of points whose payload was changed since they were written. */
  readonly #touched = new Map<string, number>();
  /** Sent, but not answered before the kill. */
  readonly #unanswered = new Set<PlannedWrite>();
  #outdated: PointVersion[] = [];

  send(write: PlannedWrite): void {
    this.#unanswered.add(write);
  }

  acknowledge(write: PlannedWrite): void {
    this.settle(write, true);
  }

  /** A write that was cut off turned out to be stored as a whole, or not at all. */
  settle(write: PlannedWrite, isStored: boolean): void {
    this.#unanswered.delete(write);
    if (isStored) this.#apply(write);
  }

  get unanswered(): readonly PlannedWrite[] {
    return [...this.#unanswered];
  }

  get count(): number {
    return this.#versions.size;
  }

  version(id: string): number | undefined {
    return this.#versions.get(id);
  }

  touched(id: string): number | undefined {
    return this.#touched.get(id);
  }

  get touchedCount(): number {
    return this.#touched.size;
  }

  /** In the order of their last write. */
  points(): PointVersion[] {
    return [...this.#versions];
  }

  /** Versions that were replaced or deleted since this was last asked, the latest `max` of them. */
  takeOutdated(max: number): PointVersion[] {
    const outdated = this.#outdated.slice(-max);
    this.#outdated = [];
    return outdated;
  }

  #apply({ kind, ids, version }: PlannedWrite): void {
    for (const id of ids) {
      const before = this.#versions.get(id);
      if (kind === 'touch') {
        if (before !== undefined) this.#touched.set(id, version);
        continue;
      }
      this.#touched.delete(id);
      if (before !== undefined) this.#outdated.push([id, before]);
      this.#versions.delete(id);
      if (kind === 'upsert') this.#versions.set(id, version);
    }
  }
}
