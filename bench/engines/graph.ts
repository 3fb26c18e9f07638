// The parameters that all graph indexes of the search benchmark are built with.

export const GRAPH = { m: 16, efConstruction: 200 };
