import { isAbsolute, join } from 'node:path';
import type { z } from 'zod';
import { alternatives, elementOf, valueAt } from '#telemetry';
import { settingRoles } from './setting-schemas.ts';

/** A copy of what a file says in which the paths of files begin at the folder of the configuration. */
export function resolveFiles(written: unknown, schema: z.core.$ZodType, directory: string): unknown {
  return resolve(written, alternatives(schema), directory);
}

type Readers = readonly z.core.$ZodType[];

function resolve(value: unknown, readers: Readers, directory: string): unknown {
  if (readers.length === 0) return value;
  if (typeof value === 'string') {
    const isFile = value !== '' && !isAbsolute(value) && readers.some(readsFile);
    return isFile ? join(directory, value) : value;
  }
  if (Array.isArray(value)) {
    const below = readers.flatMap((reader) => alternatives(elementOf(reader)));
    return value.map((item: unknown) => resolve(item, below, directory));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => {
      const below = readers.flatMap((reader) => alternatives(valueAt(reader, key)));
      return [key, resolve(inner, below, directory)];
    }),
  );
}

function readsFile(reader: z.core.$ZodType): boolean {
  return settingRoles.get(reader as z.ZodType)?.role === 'file';
}
