import { z } from 'zod';

/** A label set. An empty value means the same as a missing label. */
export type Labels = Readonly<Record<string, string>>;

/** A label set that is being filled. */
export interface MutableLabels {
  [name: string]: string;
}

/**
 * The objects that hold label sets. They inherit nothing, so that a label may be called `constructor` or
 * `__proto__`, and share hidden classes where label sets share names, so that a label set costs one word a label (an
 * `Object.create(null)` would be a hash table each).
 */
const LabelSet = function LabelSet() {} as unknown as new () => MutableLabels;
LabelSet.prototype = Object.create(null);

/** A label set to be filled. An object literal will not do: `labels['__proto__'] = 'x'` is lost in one. */
export function emptyLabels(): MutableLabels {
  return new LabelSet();
}

/** A copy to be changed. */
export function copyLabels(labels: Labels): MutableLabels {
  return Object.assign(emptyLabels(), labels);
}

/** A label set from its JSON, as rows hold it. */
export function parseLabels(json: string): Labels {
  return copyLabels(JSON.parse(json) as Labels);
}

/**
 * The value of a label by a name that comes from outside; '' where there is none. Of an object literal
 * `labels['constructor']` is a function.
 */
export function labelValue(labels: Labels, name: string): string {
  const value: unknown = labels[name];
  return typeof value === 'string' ? value : '';
}

function isTexts(value: unknown): value is Labels {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

/** A label set in JSON. A `z.record` would drop the key `__proto__`. */
export const labelsSchema = z
  .custom<Record<string, string>>(isTexts, 'expected names and texts')
  .meta({ type: 'object', additionalProperties: { type: 'string' } });
