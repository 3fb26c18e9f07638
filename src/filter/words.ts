// The words of a text, as full-text conditions compare them. Runs on any thread.

/** Marks alone are no word: many emoji are a symbol and a mark that all of them share. */
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;

/**
 * In compatibility form and lower case, in order; letters and digits with their marks make words, all else parts them.
 * Lower case has another sigma at the end of a word, where the beginning of a longer word has not: one stands for both.
 */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').match(WORD) ?? [];
}
