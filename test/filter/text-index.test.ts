import t from 'tap';
import { among, exactly, indexed } from './indexed.js';

const TEXTS = ['The red Tree', 'a green tree', ['red', 'tree'], 'treetop', '!', 5];

t.test('words are found in any order, case aside', async (t) => {
  const { ask } = indexed('text', TEXTS);
  t.strictSame(ask({ match: { text: 'TREE' } }), exactly(0, 1, 2), 'one word is in some string');
  t.strictSame(ask({ match: { text: 'tree green tree' } }), exactly(1));
  t.strictSame(ask({ match: { text: 'red tree' } }), among([0, 2]), 'row 2 has both, in different strings');
  t.strictSame(ask({ match: { text: 'red top' } }), exactly());
  t.strictSame(ask({ match: { text: '?!' } }), exactly(), 'no words are in no string');
});

t.test('the last word of a prefix may go on', async (t) => {
  const { ask } = indexed('text', TEXTS);
  t.strictSame(ask({ match: { prefix: 'tre' } }), exactly(0, 1, 2, 3));
  t.strictSame(ask({ match: { prefix: 'green t' } }), exactly(1));
  t.strictSame(ask({ match: { prefix: 'tre green' } }), exactly(), 'the first one may not');
  t.strictSame(ask({ match: { prefix: '!' } }), exactly());
});

t.test('whole strings are looked for by their words', async (t) => {
  const { ask } = indexed('text', TEXTS);
  t.strictSame(ask({ match: { value: 'red tree' } }), among([0, 2], 'k'));
  t.strictSame(ask({ match: { value: '!' } }), among([0, 1, 2, 3, 4], 'k'));
  t.strictSame(ask({ match: { any: [5, 'treetop'] } }), among([3, 5], 'k'));
  t.strictSame(ask({ match: { value: 'bush' } }), exactly());
});
