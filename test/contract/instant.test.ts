import fc from 'fast-check';
import t from 'tap';
import { parseInstant } from '../../src/contract/instant.js';

t.test('what a Date writes is read as that instant', async (t) => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0000-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59.999Z'),
        noInvalidDate: true,
      }),
      fc.integer({ min: -1439, max: 1439 }),
      (date, offset) => {
        const local = new Date(date.getTime() + offset * 60_000);
        if (local.getUTCFullYear() < 0 || local.getUTCFullYear() > 9999) return;
        const minutes = Math.abs(offset);
        const [hh, mm] = [Math.floor(minutes / 60), minutes % 60].map((part) =>
          String(part).padStart(2, '0'),
        );
        const text = `${local.toISOString().slice(0, -1)}${offset < 0 ? '-' : '+'}${hh}:${mm}`;
        if (parseInstant(text) !== date.getTime()) throw new Error(text);
      },
    ),
    { numRuns: 2000, seed: 5 },
  );
  t.pass();
});

t.test('the forms of RFC 3339', async (t) => {
  for (const [text, instant] of [
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01t00:00:00z', 0],
    ['1970-01-01 00:00:00-00:00', 0],
    ['1969-12-31T23:59:59.75Z', -250],
    ['1970-01-01T00:00:00.0005Z', 0.5],
    ['1970-01-01T00:00:00.000000001Z', 1e-6],
    ['1970-01-01T05:30:00+05:30', 0],
    ['1969-12-31T00:01:00-23:59', 0],
    ['0000-01-01T00:00:00Z', Date.UTC(-1, 12, 1)],
    ['0099-01-01T00:00:00Z', new Date('0099-01-01T00:00:00Z').getTime()],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    // The second after a leap second has its number in POSIX time, too.
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0)],
    ['2017-01-01T00:59:60.5+01:00', Date.UTC(2017, 0) + 500],
  ] as const) {
    t.equal(parseInstant(text), instant, text);
  }
});

t.test('what is no date-time is none', async (t) => {
  for (const text of [
    '',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00Z',
    '2026-1-1T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.1234567890Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+01:60',
    '2026-01-01T00:00:00+0100',
    '2026-01-01T00:00:00 Z',
    '2026-01-01T00:00:00Z\n',
    ' 2026-01-01T00:00:00Z',
    '+002026-01-01T00:00:00Z',
    '-2026-01-01T00:00:00Z',
    '２０２６-01-01T00:00:00Z',
    `2026-01-01T00:00:00.${'0'.repeat(100_000)}Z`,
  ]) {
    t.equal(parseInstant(text), undefined, text.slice(0, 40));
  }
});
