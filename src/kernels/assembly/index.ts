// The kernels' exports. Compiled by scripts/build-wasm.mjs; runs on any thread, owns no memory.

export { assign } from './assign';
export { boundCandidates, listWithin, tighten } from './bounds';
export { quantizeQuery } from './bytes';
export { decodeRow, distances, pushExact, pushListed, pushRows } from './distance';
export { encode } from './encode';
export { scanHamming, signCode } from './hamming';
export { countClear, countMatches, excludeUnmatched, listClear } from './mask';
export { chooseProbes, expectHits, listLeaves, rescore } from './rank';
export { rotate } from './rotate';
export { scanLeaves } from './scan';
export { finishBuffer, listPositions, partition, pushCandidates, sortBuffer } from './select';
export { buildTables } from './tables';
export { accumulate, normalize, scaleVector, squaredNorm, subtract, sumListed } from './vectors';
