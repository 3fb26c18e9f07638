import t from 'tap';
import { wordsOf } from '../../src/filter/words.js';

t.test('letters and digits with their marks make words, all else parts them', async (t) => {
  t.strictSame(wordsOf('An old,old_tree: #5-b!'), ['an', 'old', 'old', 'tree', '5', 'b']);
  t.strictSame(wordsOf('नमस्ते दुनिया'), ['नमस्ते', 'दुनिया']);
  t.strictSame(wordsOf('東京 タワー'), ['東京', 'タワー']);
  t.strictSame(wordsOf("it's"), ['it', 's']);
  for (const text of ['', ' ', '...', '\u0301', '☀️ ❤️', '\u{1F332}']) t.strictSame(wordsOf(text), [], text);
});

t.test('case and the way a character is written do not matter', async (t) => {
  for (const [one, other] of [
    ['ÜBERGRÖSSE', 'übergrösse'],
    ['e\u0301cole', 'ÉCOLE'],
    ['ﬁsh', 'FISH'],
    ['ＴＲＥＥ５', 'tree5'],
    ['\u212b', 'å'],
    ['ОКСАНА', 'оксана'],
    ['ΟΔΟΣ', 'οδος'],
    ['ΟΔΟΣ', 'οδοσ'],
  ] as const) {
    t.strictSame(wordsOf(one), wordsOf(other), `${one} ${other}`);
  }
});

t.test('words that differ stay apart', async (t) => {
  for (const [one, other] of [
    ['école', 'ecole'],
    ['straße', 'strase'],
    ['ı', 'j'],
  ] as const) {
    t.notSame(wordsOf(one), wordsOf(other), `${one} ${other}`);
  }
});

t.test('the beginning of a word in capitals is the beginning of the word', async (t) => {
  const [start] = wordsOf('ΟΔΟΣ') as [string];
  t.ok(wordsOf('ΟΔΟΣΗΜΟ')[0]?.startsWith(start));
});
