import t from 'tap';
import { ReadAhead } from '../../src/storage/read-ahead.js';

/** A clock that stands still between two readings unless told. */
function clocked() {
  const clock = { ms: 0 };
  const readAhead = new ReadAhead(() => clock.ms);
  /** A list of 100 rows whose reading, once asked for or looked at, takes so long. */
  const list = (ms: number): 'asked at once' | 'asked later' | 'not asked' => {
    if (readAhead.begin()) {
      clock.ms += 5;
      readAhead.asked();
      clock.ms += ms;
      readAhead.end(100);
      return 'asked at once';
    }
    clock.ms += ms;
    const asks = readAhead.probe();
    if (asks) readAhead.asked();
    readAhead.end(100);
    return asks ? 'asked later' : 'not asked';
  };
  return list;
}

t.test('a new reader asks until a list is read as fast as from memory', async (t) => {
  const list = clocked();
  t.strictSame(
    [list(3), list(2), list(0.05), list(0.01)],
    ['asked at once', 'asked at once', 'asked at once', 'not asked'],
  );
});

t.test('the first row that waits for the disk has the others, and the next lists, asked for', async (t) => {
  const list = clocked();
  list(0);
  t.strictSame(
    [list(0.01), list(0.2), list(1), list(0.02), list(0.02)],
    ['not asked', 'asked later', 'asked at once', 'asked at once', 'not asked'],
  );
});

t.test('many rows that are in the page cache do not look like the disk', async (t) => {
  const list = clocked();
  list(0.2);
  t.equal(list(0.03), 'not asked');
});
