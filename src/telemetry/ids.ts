import { z } from 'zod';
import type { Random } from './random.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A sortable id: prefix, `_`, 10 characters of wall time (ms, Crockford base 32) and 12 of chance
 * (60 bits): `alrt_0ajk…`. Not a secret.
 */
export function createId(prefix: string, wallMs: number, random: Random): string {
  let time = '';
  let rest = Math.floor(wallMs);
  for (let place = 0; place < 10; place++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let chance = '';
  for (let place = 0; place < 12; place++) chance += ALPHABET.charAt(Math.floor(random.next() * 32));
  return `${prefix}_${time}${chance}`;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/;

/** Names of agents, pools, task types: safe in URLs, labels and file names, which they become. */
export const nameText = z
  .string()
  .min(1)
  .max(200)
  .regex(NAME, 'must begin with a letter or digit and go on with letters, digits, `.`, `_`, `:`, `@` or `-`');

/**
 * What `createId` makes with a prefix, as a request names it.
 * @param thing for the message: `a task`
 */
export function idText(prefix: string, thing: string) {
  return z.string().regex(new RegExp(`^${prefix}_[${ALPHABET}]{22}$`), `must be the id of ${thing}`);
}
