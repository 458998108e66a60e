// What is not read at all: too much, and keys that belong to nobody else.

/** Largest report, in bytes: as `provost diagnose` takes it. */
export const LARGEST = 16 * 1024 * 1024;

const PRIVATE = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----|AGE-SECRET-KEY-1|-----BEGIN AGE ENCRYPTED FILE-----/;

/** Why a report is not taken, as a name of a word; nothing if it is. */
export function refused(bytes, text) {
  if (bytes > LARGEST) return 'tooLarge';
  if (PRIVATE.test(text)) return 'privateKey';
  return null;
}
