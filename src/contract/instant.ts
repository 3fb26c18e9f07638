// Dates as RFC 3339 writes them. Runs on any thread.

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const RFC_3339_CHARS_MAX = 35;

/** Milliseconds since 1970, with a fraction; undefined where the text is no date-time of RFC 3339 (5.6). */
export function parseInstant(text: string): number | undefined {
  if (text.length > RFC_3339_CHARS_MAX) return undefined;
  const found = RFC_3339.exec(text);
  if (found === null) return undefined;
  const part = (index: number): number => Number(found[index] ?? 0);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // A leap second counts as the one after it, as in POSIX time.
  if (hour > 23 || minute > 59 || second > 60 || part(9) > 23 || part(10) > 59) return undefined;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined;
  const offsetMinutes = (found[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10));
  const seconds = (hour * 60 + minute - offsetMinutes) * 60 + second;
  // Divided, not multiplied: whole milliseconds come out whole.
  const fractionMs = Number((found[7] ?? '').padEnd(9, '0')) / 1e6;
  return midnight.getTime() + seconds * 1000 + fractionMs;
}
