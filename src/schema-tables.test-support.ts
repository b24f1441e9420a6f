import { durationText, formatDuration } from '#telemetry';
import { stringify } from 'yaml';
import { z } from 'zod';

/** A key of a file that people write, as its schema has it. */
export interface DocumentedKey {
  /** With those it stands in: `http.port`. */
  readonly name: string;
  /** As YAML; `required`, and null where it has no value unless it is given. */
  readonly standard: string | null;
  readonly type: string;
  readonly meaning: string;
}

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string | number | boolean;
  readonly enum?: readonly unknown[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** Every key below a schema of a file, nested ones by their path; lists and maps are keys of their own. */
export function keysOf(schema: z.ZodType): readonly DocumentedKey[] {
  return documented(inputOf(schema), '');
}

function documented(schema: JsonSchema, prefix: string): readonly DocumentedKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    if (inner.properties && inner.description === undefined) return documented(inner, `${prefix}${key}.`);
    const isRequired = schema.required?.includes(key) ?? false;
    const standard = inner.default === undefined ? null : yamlOf(inner.default);
    return [
      {
        name: `${prefix}${key}`,
        standard: isRequired ? 'required' : standard,
        type: typeOf(inner, key),
        meaning: inner.description ?? '',
      },
    ];
  });
}

/** What a file may say, as JSON Schema; a text that is read as a duration has the format `duration`, with its bounds. */
function inputOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (!(zodSchema instanceof z.ZodPipe)) return;
      const { in: read, out: bounded } = zodSchema;
      if (zodSchema.in === durationText.in) Object.assign(jsonSchema, { format: 'duration' });
      if (!(read instanceof z.ZodPipe) || read.in !== durationText.in) return;
      Object.assign(jsonSchema, { format: 'duration', ...boundsOf(bounded) });
    },
    // JSON Schema is what zod makes of it; only what is above is read.
  }) as JsonSchema;
}

function boundsOf(schema: unknown): JsonSchema {
  if (schema instanceof z.ZodNullable) return boundsOf(schema.unwrap());
  if (!(schema instanceof z.ZodNumber)) return {};
  return { minimum: schema.minValue ?? 0, maximum: schema.maxValue ?? Number.MAX_SAFE_INTEGER };
}

/** Words for a type, with its unit, which stands in the name, and its bounds. */
export function typeOf(schema: JsonSchema, key: string): string {
  const given = schema.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  if (given.length > 0) return given.map((one) => typeOf(one, key)).join(', or ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.format === 'duration') return `duration${rangeOf(schema, formatDuration)}`;
  switch (schema.type) {
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
    case 'number': {
      const unit = key.endsWith('_bytes') || key.includes('_bytes_') ? ' of bytes' : '';
      const kind = schema.type === 'integer' ? 'whole number' : 'number';
      return `${kind}${unit}${rangeOf(schema, (value) => value.toLocaleString('en-US'))}`;
    }
    case 'array':
      return `list of ${typeOf(schema.items ?? {}, key)}`;
    case 'object':
      return objectOf(schema, key);
    case 'string':
      return 'text';
    case undefined:
    default:
      return 'anything';
  }
}

const maxNamesOfObject = 4;

function objectOf(schema: JsonSchema, key: string): string {
  if (schema.properties === undefined) {
    const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
    return `map of names to ${typeOf(values, key)}`;
  }
  const names = Object.keys(schema.properties);
  return names.length > maxNamesOfObject ? key : `\`{ ${names.join(', ')} }\``;
}

function rangeOf(schema: JsonSchema, shown: (value: number) => string): string {
  const { exclusiveMinimum: above, maximum: most } = schema;
  const least = schema.minimum ?? (schema.type === 'integer' && above !== undefined ? above + 1 : undefined);
  const parts = [
    least === undefined || least <= Number.MIN_SAFE_INTEGER ? '' : ` from ${shown(least)}`,
    least !== undefined || above === undefined ? '' : ` above ${shown(above)}`,
    most === undefined || most >= Number.MAX_SAFE_INTEGER ? '' : ` to ${shown(most)}`,
  ];
  return parts.join('');
}

export function yamlOf(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow' }).trim();
}

export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A page with another table in the place of the first one below a heading. */
export function withTable(page: string, heading: string, table: string): string {
  const from = page.indexOf('\n|', page.indexOf(`\n${heading}\n`)) + 1;
  const [present = ''] = /^(?:\|.*\n)+/.exec(page.slice(from)) ?? [];
  if (from === 0 || present === '') throw new Error(`there is no table below "${heading}"`);
  return `${page.slice(0, from)}${table}\n${page.slice(from + present.length)}`;
}
