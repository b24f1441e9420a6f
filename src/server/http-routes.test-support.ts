import { typeOf, yamlOf, type JsonSchema } from '../schema-tables.test-support.ts';

export interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
  readonly 'x-omoi-access': 'public' | readonly string[];
  readonly 'x-omoi-open-on-loopback': boolean;
}

/** What is read of `/openapi.json`. */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

export interface Route {
  /** `GET /api/v1/events`. */
  readonly line: string;
  readonly operation: Operation;
}

export function routesOf({ paths }: Description): readonly Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      line: `${method.toUpperCase()} ${path.replace('{*}', '*')}`,
      operation,
    })),
  );
}

interface Input {
  readonly name: string;
  readonly where: string;
  /** As YAML; `required`, and '' where there is no value. */
  readonly standard: string;
  readonly type: string;
  readonly meaning: string;
}

/** What a request may say: in its path, behind it, and in its body, nested keys by their path. */
export function inputsOf({ operation }: Route): readonly Input[] {
  const { parameters = [], requestBody } = operation;
  const given = parameters.map(({ name, in: where, required = false, description, schema }) =>
    input(name, where, { ...schema, description: description ?? schema.description ?? '' }, required),
  );
  const bodies = Object.values(requestBody?.content ?? {}).map(({ schema }) => schema);
  return [...given, ...bodies.flatMap((schema) => keysOfBody(schema, ''))];
}

function keysOfBody(schema: JsonSchema, prefix: string): readonly Input[] {
  if (schema.items) return keysOfBody(schema.items, prefix);
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    input(`${prefix}${key}`, 'body', inner, schema.required?.includes(key) ?? false),
    ...keysOfBody(inner, `${prefix}${key}${inner.items ? '[]' : ''}.`),
  ]);
}

function input(name: string, where: string, schema: JsonSchema, required: boolean): Input {
  return {
    name,
    where,
    standard: required ? 'required' : schema.default === undefined ? '' : `\`${yamlOf(schema.default)}\``,
    type: typeOf(schema, name),
    meaning: schema.description ?? '',
  };
}
