import t from 'tap';
import { ReplyRoom } from '../../src/collections/reply-room.js';
import { REPLIES_BYTES_MAX, REPLY_BYTES_MAX } from '../../src/limits.js';

t.test('one reply has its limit, all together have theirs, and room comes back', async (t) => {
  const room = new ReplyRoom();
  await t.rejects(
    room.use(async (reply) => {
      reply.add(REPLY_BYTES_MAX);
      reply.add(1);
    }),
    { code: 'reply_too_large', fields: { bytesMax: REPLY_BYTES_MAX } },
  );
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const count = Math.floor(REPLIES_BYTES_MAX / REPLY_BYTES_MAX);
  const held = Array.from({ length: count }, () =>
    room.use(async (reply) => {
      reply.add(REPLY_BYTES_MAX);
      await ended;
      return reply.bytes;
    }),
  );
  const one = () =>
    room.use(async (reply) => {
      reply.add(REPLIES_BYTES_MAX - count * REPLY_BYTES_MAX + 1);
      return 'fits';
    });
  await t.rejects(one(), { code: 'overloaded' });
  end();
  t.same(await Promise.all(held), Array(count).fill(REPLY_BYTES_MAX));
  t.equal(await one(), 'fits', 'also after refusals');
});
