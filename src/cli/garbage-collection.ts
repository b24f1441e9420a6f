import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at its first size, some 2 MB. Most of what a start reads lives on, over which it would grow to
 * its bound: ten times what an idle server needs, and slower to start with where new memory is slow.
 * @returns lets it grow from now on, as far as `--max-semi-space-size` says: under load a small one is collected so often
 *   that a third of the main thread goes there
 */
export function holdYoungGeneration(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString('--semi-space-growth-factor=2');
}

/** The V8 of Node 24. Later ones do it by themselves (V8 513bb22991), and say that they do not know the flag. */
const ASKED_OF_V8 = /^13\./;

/**
 * Has V8 hold the memory of buffers against a bound of its own. Otherwise it counts as growth of the old generation, so that a few
 * MB of buffers begin a full collection: two a second while 50,000 samples a second come in. They free nothing, since those buffers
 * go with the young generation.
 */
export function countBuffersApart(v8 = process.versions.v8): void {
  if (ASKED_OF_V8.test(v8)) setFlagsFromString('--external-memory-accounted-in-global-limit');
}
