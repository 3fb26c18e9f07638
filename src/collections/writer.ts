// The single writer of a collection: a bounded queue of mutations and of exclusive steps (the switch of a build, a
// conversion), done strictly one after another; mutations that wait together share one commit. Main thread.

import { ServiceError } from '../errors.js';
import { QUEUED_MUTATION_BYTES_MAX, QUEUED_MUTATIONS_MAX } from '../limits.js';
import type { Changes, Meta } from '../storage/points-store.js';
import { type CommitPlaces, type Committed, commitGroup } from './commit-group.js';
import { bytesOf, type Mutation, type MutationResult, pointsOf } from './mutation.js';

/** A group takes no further mutation once it has this many points: a commit stays a matter of milliseconds. */
const GROUP_POINTS = 1024;

interface QueuedMutation {
  mutation: Mutation;
  resolve: (result: MutationResult) => void;
  reject: (error: unknown) => void;
}

interface QueuedStep {
  step: () => Promise<void>;
  reject: (error: unknown) => void;
}

export interface WriterOptions extends CommitPlaces {
  /** The collection as of its last commit. */
  meta: Meta;
  /** Makes a commit visible to searches: the rows below `meta.nextRow`, then the death of `deadRows`; and to filters. */
  publish(committed: Committed): void;
}

export class Writer {
  readonly #options: WriterOptions;
  #meta: Meta;
  #queue: (QueuedMutation | QueuedStep)[] = [];
  #queuedMutations = 0;
  #queuedBytes = 0;
  #draining: Promise<void> | undefined;
  #closedBy: ServiceError | undefined;
  #stoppedBy: ServiceError | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#meta = options.meta;
  }

  /** The collection as of the last commit. */
  get meta(): Meta {
    return this.#meta;
  }

  /** Mutations that wait for their commit. */
  get queueSize(): number {
    return this.#queuedMutations;
  }

  /**
   * Resolves when the mutation is durable and visible to every search that starts later.
   * @throws too_many_requests, disk_full, memory_full, collection_full, writes_stopped
   */
  async submit(mutation: Mutation): Promise<MutationResult> {
    this.#assertWritable();
    const bytes = bytesOf(mutation);
    const full = this.#queuedBytes > 0 && this.#queuedBytes + bytes > QUEUED_MUTATION_BYTES_MAX;
    if (full || this.#queuedMutations >= QUEUED_MUTATIONS_MAX) {
      throw new ServiceError('too_many_requests', { what: 'writes to this collection' });
    }
    this.#queuedMutations++;
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ mutation, resolve, reject });
      this.#drain();
    });
  }

  /** Runs `step` when everything submitted before it is done and before anything submitted later. */
  async exclusive<Result>(step: () => Promise<Result>): Promise<Result> {
    this.#assertWritable();
    return new Promise((resolve, reject) => {
      this.#queue.push({ step: async () => resolve(await step()), reject });
      this.#drain();
    });
  }

  /** Commits changes that are no mutation of points; only from within an exclusive step. */
  async commit(changes: Changes): Promise<void> {
    await this.#options.store.commit(changes);
    this.#meta = changes.meta;
  }

  /** Refuses what waits and what comes with `reason`; resolves when the commit under way has ended. */
  async close(reason: ServiceError): Promise<void> {
    this.#closedBy ??= reason;
    const waiting = this.#queue;
    this.#queue = [];
    for (const queued of waiting) {
      if ('mutation' in queued) this.#unqueue(queued);
      queued.reject(reason);
    }
    await this.#draining;
  }

  #assertWritable(): void {
    const refusal = this.#closedBy ?? this.#stoppedBy;
    if (refusal) throw refusal;
  }

  #drain(): void {
    this.#draining ??= this.#work().finally(() => {
      this.#draining = undefined;
      // Something may have come between the end of the work and this turn.
      if (this.#queue.length > 0) this.#drain();
    });
  }

  async #work(): Promise<void> {
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      if ('step' in head) {
        this.#queue.shift();
        await head.step().catch(head.reject);
      } else {
        await this.#commit(this.#takeGroup());
      }
    }
  }

  /** The mutations at the head of the queue, up to the next exclusive step or a full group. */
  #takeGroup(): QueuedMutation[] {
    const group: QueuedMutation[] = [];
    let points = 0;
    for (const queued of this.#queue) {
      if ('step' in queued) break;
      const more = pointsOf(queued.mutation);
      if (group.length > 0 && points + more > GROUP_POINTS) break;
      group.push(queued);
      points += more;
    }
    this.#queue.splice(0, group.length);
    for (const queued of group) this.#unqueue(queued);
    return group;
  }

  #unqueue(queued: QueuedMutation): void {
    this.#queuedMutations--;
    this.#queuedBytes -= bytesOf(queued.mutation);
  }

  async #commit(group: QueuedMutation[]): Promise<void> {
    let committed: Committed;
    try {
      this.#assertWritable();
      committed = await commitGroup(
        this.#options,
        this.#meta,
        group.map((queued) => queued.mutation),
      );
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'writes_stopped') this.#stoppedBy = error;
      for (const queued of group) queued.reject(error);
      return;
    }
    this.#meta = committed.meta;
    this.#publish(committed);
    for (const [index, queued] of group.entries()) {
      const outcome = committed.outcomes[index] as MutationResult | Error;
      if (outcome instanceof Error) queued.reject(outcome);
      else queued.resolve(outcome);
    }
  }

  /** Room was made before the commit: if this fails, searches and the store disagree until a restart. */
  #publish(committed: Committed): void {
    try {
      this.#options.publish(committed);
    } catch (error) {
      const reason = `a commit could not be shown to searches (${error instanceof Error ? error.message : error})`;
      this.#stoppedBy = new ServiceError('writes_stopped', { reason });
    }
  }
}
