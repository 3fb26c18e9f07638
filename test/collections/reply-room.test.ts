import t from 'tap';
import { ReplyRoom } from '../../src/collections/reply-room.js';
import { REPLIES_BYTES_MAX, REPLY_BYTES_MAX } from '../../src/limits.js';

t.test('one reply has its limit, all together have theirs, and room comes back', async (t) => {
  const room = new ReplyRoom();
  const large = room.open();
  large.add(REPLY_BYTES_MAX);
  t.throws(() => large.add(1), { code: 'reply_too_large', fields: { bytesMax: REPLY_BYTES_MAX } });
  large.close();
  large.close();

  const count = Math.floor(REPLIES_BYTES_MAX / REPLY_BYTES_MAX);
  const held = Array.from({ length: count }, () => room.open());
  for (const reply of held) reply.add(REPLY_BYTES_MAX);
  const last = room.open();
  const left = REPLIES_BYTES_MAX - count * REPLY_BYTES_MAX;
  last.add(left);
  t.throws(() => last.add(1), { code: 'overloaded' });
  held[0]?.close();
  last.add(REPLY_BYTES_MAX - left);
  t.throws(() => room.open().add(left + 1), { code: 'overloaded' }, 'what was given back twice counts once');
});
