import type { z } from 'zod';
import { messageOf, nearestWord, type PathProblem } from '#telemetry';

export type Path = readonly (string | number)[];

/** What is found in a configuration while it is read, besides what its schema says of it. */
export class Findings {
  readonly problems: PathProblem[] = [];
  readonly warnings: PathProblem[] = [];

  problem(path: Path, message: string): void {
    this.problems.push({ path, message });
  }

  warning(path: Path, message: string): void {
    this.warnings.push({ path, message });
  }

  /** What `read` returns; what it throws is a problem of the path. */
  attempt<Value>(path: Path, read: () => Value): Value | null {
    try {
      return read();
    } catch (thrown) {
      this.problem(path, messageOf(thrown));
      return null;
    }
  }

  /** A name that has to be one of those that are known. @param by what names it, for the message: `used in route` */
  reference(path: Path, { what, name, known, by = '' }: Reference): void {
    if (known.has(name)) return;
    const near = nearestWord(name, known.keys());
    const where = by === '' ? '' : ` ${by}`;
    const hint = near === null ? '' : `; did you mean "${near}"?`;
    this.problem(path, `undefined ${what} "${name}"${where}${hint}`);
  }
}

interface Reference {
  readonly what: string;
  readonly name: string;
  readonly known: NameSet;
  readonly by?: string;
}

/** A set or a map of names. */
export interface NameSet {
  has(name: string): boolean;
  keys(): IterableIterator<string>;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The names in what should be a map, whatever stands under them. */
export function namesOf(value: unknown): NameSet {
  return new Set(isMapping(value) ? Object.keys(value) : []);
}

/** The items of what should be a list; none where it is something else, which the schema says. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * What an object's schema makes of it, key by key where it does not take the whole: what is wrong with a key is said by the schema,
 * and that key is as if it were not written; what the others say is looked at all the same.
 */
export function soundKeys<Shape extends z.core.$ZodLooseShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  written: unknown,
): z.output<typeof schema> {
  const whole = schema.safeParse(written);
  if (whole.success) return whole.data;
  const entries = Object.entries(isMapping(written) ? written : {});
  const sound = entries.filter(([key, value]) => {
    const reader = Object.hasOwn(schema.shape, key) ? (schema.shape[key] as z.ZodType) : null;
    return reader?.safeParse(value).success === true;
  });
  return schema.parse(Object.fromEntries(sound));
}
