// What the answers under way hold of the heap: results, payloads and vectors of one reply add up, and so do replies. Main thread.

import { ServiceError } from '../errors.js';
import { REPLIES_BYTES_MAX, REPLY_BYTES_MAX } from '../limits.js';

/** One for all replies of the process. */
export class ReplyRoom {
  #usedBytes = 0;

  /** Room for one more reply, to be closed when it has left. */
  open(): ReplySize {
    return new ReplySize((bytes) => this.#take(bytes));
  }

  #take(bytes: number): void {
    if (this.#usedBytes + bytes > REPLIES_BYTES_MAX) throw new ServiceError('overloaded');
    this.#usedBytes += bytes;
  }
}

export class ReplySize {
  readonly #take: (bytes: number) => void;
  #bytes = 0;

  constructor(take: (bytes: number) => void) {
    this.#take = take;
  }

  /** @throws reply_too_large; overloaded where the replies of all requests hold too much */
  add(bytes: number): void {
    if (this.#bytes + bytes > REPLY_BYTES_MAX)
      throw new ServiceError('reply_too_large', { bytesMax: REPLY_BYTES_MAX });
    this.#take(bytes);
    this.#bytes += bytes;
  }

  /** Gives the room back; again does no harm. */
  close(): void {
    this.#take(-this.#bytes);
    this.#bytes = 0;
  }
}
