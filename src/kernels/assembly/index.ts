// The kernels' exports. Compiled by scripts/build-wasm.mjs; runs on any thread, owns no memory.

export { assign } from './assign';
export { distances, distancesListed, pushExact } from './distance';
export { encode } from './encode';
export { scanHamming, signCode } from './hamming';
export { rotate } from './rotate';
export { estimateBlocks, scanLeaves } from './scan';
export { finishBuffer, partition, sortBuffer } from './select';
export { buildTables } from './tables';
export { accumulate, normalize, scaleVector, squaredNorm, subtract } from './vectors';
