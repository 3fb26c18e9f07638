// How high the share of successes of a trial may be, by what was seen of it: the bound of Clopper and Pearson, exact for every count.

const DOUBT = 0.05;
const BISECTIONS = 60;

/** With 95 % certainty the share is no higher; 1 where all of them succeeded. */
export function upperShare(successes: number, count: number): number {
  const failures = count - successes;
  if (failures === 0) return 1;
  // The least share of failures of which so many, or more, are not seen less often than one time in twenty.
  let [low, high] = [0, failures / count];
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (1 - shareBelow(failures, count, middle) > DOUBT) high = middle;
    else low = middle;
  }
  return 1 - low;
}

/** The probability of fewer than `failures` among `count`, each with the probability `share`. */
function shareBelow(failures: number, count: number, share: number): number {
  if (share <= 0) return 1;
  let log = count * Math.log1p(-share);
  let sum = 0;
  for (let i = 0; i < failures; i++) {
    sum += Math.exp(log);
    log += Math.log((count - i) / (i + 1)) + Math.log(share) - Math.log1p(-share);
  }
  return sum;
}
