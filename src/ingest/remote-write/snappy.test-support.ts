import type { SnappyDecoder } from './snappy.ts';

/** A block decoded at once, as a copy. */
export function decoded(decoder: SnappyDecoder, block: Uint8Array): Uint8Array {
  const steps = decoder.decode(block);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return Uint8Array.from(step.value);
}
