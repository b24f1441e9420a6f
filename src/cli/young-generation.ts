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
