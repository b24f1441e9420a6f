import { z } from 'zod';

/** On how many of the targets a policy in mode act acts: a share of them, or so many. */
export type ActOn =
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'count'; readonly count: number };

const PERCENT = /^(\d{1,3}(?:\.\d{1,2})?)%$/;

/** `10%`, `0.5%`, or a count. */
export const actOnText = z.union([z.string(), z.number()]).transform((given, context): ActOn => {
  const percent = typeof given === 'string' ? Number(PERCENT.exec(given)?.[1] ?? Number.NaN) : Number.NaN;
  if (percent > 0 && percent <= 100) return { kind: 'share', share: percent / 100 };
  if (typeof given === 'number' && Number.isInteger(given) && given > 0)
    return { kind: 'count', count: given };
  const message = `${JSON.stringify(given)} is neither a share like 10% (up to 100%) nor a count from 1 on`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** As it is written in the policy. */
export function formatActOn(actOn: ActOn): string {
  return actOn.kind === 'share' ? `${Number((actOn.share * 100).toFixed(2))}%` : String(actOn.count);
}

/**
 * Whether a target is among those that are acted on. It follows from the ids alone, so that it is the same one today and
 * tomorrow, for every policy, after a restart and on every server.
 * @param peers the ids of all targets among which a count is chosen; the target is one of them
 */
export function isActedOn(id: string, actOn: ActOn, peers: () => Iterable<string>): boolean {
  const place = placeOf(id);
  if (actOn.kind === 'share') return place < actOn.share;
  let before = 0;
  for (const peer of peers()) {
    const other = placeOf(peer);
    if (peer !== id && (other < place || (other === place && peer < id))) before++;
    if (before >= actOn.count) return false;
  }
  return true;
}

/**
 * Where a text stands between 0 and 1, always the same: FNV-1a of its UTF-16 units, then the last mixing of MurmurHash3 (Austin Appleby),
 * without which ids that differ in their last digit alone would lie side by side.
 */
export function placeOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
