import t from 'tap';
import { LargeMap } from '../../src/filter/large-map.js';

t.test('a map takes more entries than one of its parts does', async (t) => {
  const map = new LargeMap<string, number>(3);
  for (let at = 0; at < 10; at++) map.set(`key ${at}`, at);
  map.set('key 9', 90);
  map.set('key 0', 100);
  map.delete('key 5');
  map.delete('none');
  t.equal(map.size, 9);
  t.equal(map.get('key 0'), 100);
  t.equal(map.get('key 9'), 90);
  t.equal(map.get('key 5'), undefined);
  t.ok(map.has('key 4'));
  t.notOk(map.has('key 5'));
  map.set('key 10', 10);
  const entries: [string, number][] = [];
  map.forEach((value, key) => {
    entries.push([key, value]);
  });
  t.strictSame(
    entries.sort().map(([, value]) => value),
    [100, 1, 10, 2, 3, 4, 6, 7, 8, 90],
  );
  map.clear();
  t.equal(map.size, 0);
});
