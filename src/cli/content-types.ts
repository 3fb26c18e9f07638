// Media types of what is sent. Command line.

export const NDJSON_TYPE = 'application/x-ndjson';
export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';
