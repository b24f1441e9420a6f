import { z } from 'zod';

/** What a schema is besides what wraps it: `z.string().nullable().default('')` is a string. */
export function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) inner = inner.unwrap();
    else if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) inner = inner.unwrap();
    else if (inner instanceof z.ZodReadonly || inner instanceof z.ZodCatch) inner = inner.unwrap();
    else if (inner instanceof z.ZodLazy) inner = inner.unwrap();
    else if (inner instanceof z.ZodPipe) inner = inner.in instanceof z.ZodTransform ? inner.out : inner.in;
    else return inner;
  }
}

/** The schemas that may read a value, unwrapped: those of a union, else the one. */
export function alternatives(schema: z.core.$ZodType | undefined): readonly z.core.$ZodType[] {
  const inner = unwrap(schema);
  if (inner === undefined) return [];
  return inner instanceof z.ZodUnion ? inner.options.flatMap((option) => alternatives(option)) : [inner];
}

/** What reads the items of a list; of a part that takes anything, that part. */
export function elementOf(reader: z.core.$ZodType): z.core.$ZodType | undefined {
  if (reader instanceof z.ZodArray) return reader.element;
  return takesAnything(reader) ? reader : undefined;
}

/** What reads the value of a key; of a part that takes anything, that part. */
export function valueAt(reader: z.core.$ZodType, key: string): z.core.$ZodType | undefined {
  if (reader instanceof z.ZodObject) {
    const shape = reader.shape as Record<string, z.ZodType>;
    return Object.hasOwn(shape, key) ? shape[key] : undefined;
  }
  if (reader instanceof z.ZodRecord) return reader.valueType;
  return takesAnything(reader) ? reader : undefined;
}

export function takesAnything(reader: z.core.$ZodType): boolean {
  return reader instanceof z.ZodUnknown || reader instanceof z.ZodAny;
}
