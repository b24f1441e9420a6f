import { randomBytes } from 'node:crypto';

const NONCE_BYTES = 24;

/** The secret by which a process proves that it is the one that Omoi started. Never from a seed. */
export function createSpawnNonce(): string {
  return randomBytes(NONCE_BYTES).toString('hex');
}
