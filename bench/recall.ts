// Which of the recall benchmarks runs: on unseen queries of one data set, what is promised of single queries, the two rules for when a
// target is reached, queries of other kinds than the points, or many shapes of data.
// Usage: npm run bench -- recall [--guarantee|--rules|--unlike|--shapes|--copies] [options]

const isGiven = (...flags: string[]) => flags.some((flag) => process.argv.includes(flag));
if (isGiven('--shapes', '--copies')) await import('./shapes/run.js');
else if (isGiven('--guarantee')) await import('./recall/guarantee.js');
else if (isGiven('--rules')) await import('./recall/rules.js');
else if (isGiven('--unlike')) await import('./recall/unlike.js');
else await import('./recall/unseen-queries.js');
