import { test } from 'tap';
import { lineBlocks } from '../../src/http/line-blocks.js';

async function blocksOf(chunks: string[], blockBytes: number, lineBytesMax = 100): Promise<string[]> {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const blocks: string[] = [];
  for await (const block of lineBlocks(source(), { blockBytes, lineBytesMax }))
    blocks.push(Buffer.from(block).toString());
  return blocks;
}

test('blocks end at line ends, however the chunks were cut', async (t) => {
  t.same(await blocksOf(['ab\ncd\nef\n'], 4), ['ab\ncd\n', 'ef\n']);
  t.same(await blocksOf([...'ab\ncd\nef'], 4), ['ab\ncd\n', 'ef']);
  t.same(await blocksOf(['abcdefgh', 'ij\nk\n'], 4), ['abcdefghij\n', 'k\n']);
  t.same(await blocksOf([], 4), []);
  t.same(await blocksOf(['', '\n', ''], 4), ['\n']);
});

test('a line that is too long is cut to one byte more than allowed, and the next lines are whole', async (t) => {
  t.same(await blocksOf(['abcdefgh', 'ij\nk\n'], 100, 5), ['abcdef\nk\n']);
  t.same(await blocksOf(['abcdefgh', 'ijklmnopq'], 100, 5), ['abcdef']);
});
