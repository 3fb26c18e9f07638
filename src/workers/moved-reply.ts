// A reply whose buffers change hands: the main thread gets them without a copy. Runs on workers.

import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { Reply } from './messages.js';

/** The sender must not use `buffers` any more. */
export function movedReply<Value>(reply: Reply<Value>, buffers: ArrayBufferLike[]): Reply<Value> {
  const parts = { [transferableSymbol]: buffers, [valueSymbol]: reply };
  return move(parts as unknown as Parameters<typeof move>[0]) as unknown as Reply<Value>;
}
