import { createHash } from 'node:crypto';
import { isRecord } from './json-answers.ts';
import { RECEIVER_KINDS } from './receiver-kinds.ts';

/** By whom a service tells one caller from another, of `http_config`. A password may change: it is the same caller. */
const CALLER_KEYS = [
  ['basic_auth', 'username'],
  ['basic_auth', 'username_file'],
  ['authorization', 'credentials'],
  ['authorization', 'credentials_file'],
  ['oauth2', 'client_id'],
] as const;

const KEYS: ReadonlyMap<string, readonly string[]> = new Map(
  RECEIVER_KINDS.map(({ type, addressKeys }) => [type, addressKeys]),
);

/**
 * The address that an integration reaches, as a digest that holds none of its secrets: the same for what is of one type, and the same in
 * what makes its address. A key that is not written does not count, so that one that a newer version knows changes nothing.
 * @returns null for what has none: the log
 */
export function addressOf(type: string, settings: unknown): string | null {
  const keys = KEYS.get(type);
  if (!keys || !isRecord(settings)) return null;
  const parts = [
    ...keys.map((key) => [key, settings[key]] as const),
    ...CALLER_KEYS.map(
      ([way, key]) => [`${way}.${key}`, within(within(settings['http_config'], way), key)] as const,
    ),
  ];
  const written = parts.filter(([, value]) => isWritten(value)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (written.length === 0) return null;
  return createHash('sha256')
    .update(`${type}\n${JSON.stringify(written)}`)
    .digest('base64');
}

function isWritten(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== '' && value !== 0;
}

function within(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}
