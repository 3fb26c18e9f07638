// What the answers under way hold of the heap: payloads and vectors of one reply add up, and so do replies. Main thread.

import { ServiceError } from '../errors.js';
import { REPLIES_BYTES_MAX, REPLY_BYTES_MAX } from '../limits.js';

/** One for all replies of the process. */
export class ReplyRoom {
  #usedBytes = 0;

  /** Runs `work`, which counts what its reply will hold, until the reply is written. */
  async use<Result>(work: (reply: ReplySize) => Promise<Result>): Promise<Result> {
    const reply = new ReplySize((bytes) => this.#take(bytes));
    try {
      return await work(reply);
    } finally {
      this.#usedBytes -= reply.bytes;
    }
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

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws reply_too_large; overloaded where the replies of all requests hold too much */
  add(bytes: number): void {
    if (this.#bytes + bytes > REPLY_BYTES_MAX)
      throw new ServiceError('reply_too_large', { bytesMax: REPLY_BYTES_MAX });
    this.#take(bytes);
    this.#bytes += bytes;
  }
}
