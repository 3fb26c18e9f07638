// The name under which the main thread tells search workers which views are gone. Both sides.

export const RELEASE_CHANNEL = 'coppice-released-views';
