import { createHash } from 'node:crypto';

/** The key of a group for receivers that bound the length of a key: SHA-256, 64 hex digits, as Alertmanager hands it out. */
export function hashOfGroup(groupKey: string): string {
  return createHash('sha256').update(groupKey, 'utf8').digest('hex');
}
