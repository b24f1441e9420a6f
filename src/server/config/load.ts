import { OmoiError, messageOf, parseStrictDocument, type DocumentSource } from '#telemetry';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { isSetByKubernetes, unknownVariables, type Environment } from './environment.ts';
import { readTextFile } from '../text-file.ts';
import { configSchema, type Config } from './schema.ts';

export interface ConfigSources {
  /** The file named on the command line; null: `omoi.yaml` where it exists, else defaults. */
  readonly file: string | null;
  readonly environment: Environment;
}

/** Of an address or a password. */
const maxSecretBytes = 65_536;
const DEFAULT_FILE = 'omoi.yaml';

/** `OMOI_HTTP_PORT` is the variable of `http.port`. */
const variableOf = (path: readonly string[]): string => `OMOI_${path.join('_').toUpperCase()}`;

/**
 * The configuration: file, then `OMOI_…` on top (`http.port` is `OMOI_HTTP_PORT`; lists and maps in YAML), then
 * secrets from their files.
 * @throws OmoiError `config_invalid` with file, line and a suggestion for each mistake
 */
export function loadConfig(sources: ConfigSources): Config {
  const { name, text } = readConfigFile(sources.file) ?? { name: DEFAULT_FILE, text: '' };
  const fromFile = parseConfig({ name, text });
  ignoredVariables(sources.environment);
  const overrides = environmentOverrides(sources.environment);
  if (overrides.length === 0) return withSecrets(fromFile);

  const merged: unknown = parse(text, { logLevel: 'error' }) ?? {};
  for (const { path, value } of overrides) setAt(merged as Record<string, unknown>, path, value);
  const origin = `${name} with ${overrides.map(({ variable }) => variable).join(', ')}`;
  return withSecrets(
    parseStrictDocument({ name: origin, text: stringify(merged) }, configSchema, 'config_invalid'),
  );
}

/** What a file alone says, without variables and secrets. @throws OmoiError `config_invalid`, as `loadConfig` */
export function parseConfig(source: DocumentSource): Config {
  return parseStrictDocument(source, configSchema, 'config_invalid');
}

/**
 * The configuration file as it is written; null where none is named and there is no `omoi.yaml`.
 * @throws OmoiError `config_invalid` where the named one is not there, or it can't be read
 */
export function readConfigFile(file: string | null): DocumentSource | null {
  const name = file ?? DEFAULT_FILE;
  try {
    return { name, text: readTextFile(name) };
  } catch (thrown) {
    const { code } = thrown as { readonly code?: unknown };
    if (code === 'ENOENT' && file === null) return null;
    throw new OmoiError('config_invalid', `${name}: ${whyUnread(code, thrown)}`);
  }
}

function whyUnread(code: unknown, thrown: unknown): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file; name an existing one after --config';
    case 'EISDIR':
      // A container makes one where the file that is to be mounted does not exist.
      return 'that is a directory; name the configuration file in it, or mount a file that exists';
    case 'EACCES':
      return 'this user may not read it';
    default:
      return messageOf(thrown);
  }
}

/**
 * The variables `OMOI_…` that nothing reads, neither the server nor what it starts.
 * @throws OmoiError `config_invalid` for one that is mistyped
 */
export function ignoredVariables(environment: Environment): readonly string[] {
  return unknownVariables(environment, leafPaths(configSchema, []).map(variableOf));
}

interface Override {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

function environmentOverrides(environment: ConfigSources['environment']): readonly Override[] {
  return leafPaths(configSchema, []).flatMap((path) => {
    const variable = variableOf(path);
    const text = environment[variable];
    if (text === undefined || text === '' || isSetByKubernetes(variable, environment)) return [];
    return [{ variable, path, value: isText(path) ? text : readValue(variable, text) }];
  });
}

function readValue(variable: string, text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (thrown) {
    throw new OmoiError('config_invalid', `${variable}: ${messageOf(thrown)}`);
  }
}

/** Whether the key at a path takes text as it stands, so that YAML must not read `5s` or `0123` its own way. */
function isText(path: readonly string[]): boolean {
  let at: z.core.$ZodType = configSchema;
  for (const step of path) {
    const inner = unwrapped(at);
    if (!(inner instanceof z.ZodObject)) return false;
    at = (inner.shape as Record<string, z.ZodType>)[step] ?? z.never();
  }
  const leaf = unwrapped(at);
  return leaf instanceof z.ZodString || leaf instanceof z.ZodEnum;
}

function leafPaths(schema: z.core.$ZodType, path: readonly string[]): readonly (readonly string[])[] {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [path];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, child]) =>
    leafPaths(child, [...path, key]),
  );
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.unwrap());
  }
  return schema instanceof z.ZodPipe ? unwrapped(schema.in) : schema;
}

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const child = target[head];
  const next = typeof child === 'object' && child !== null ? (child as Record<string, unknown>) : {};
  target[head] = next;
  setAt(next, rest, value);
}

function withSecrets(config: Config): Config {
  const url = secret('database.url', config.database.url, config.database.url_file);
  const password = secret('database.password', config.database.password, config.database.password_file);
  const key = config.database.url_file === undefined ? 'database.url' : 'database.url_file';
  // What is wrong is not quoted: there may be a password in it.
  if (url !== undefined && !isPostgres(url))
    throw new OmoiError('config_invalid', `${key}: this is no address like postgres://USER@HOST/DATABASE`);
  if (url === undefined || password === undefined)
    return { ...config, database: { ...config.database, url } };
  const joined = new URL(url);
  joined.password = encodeURIComponent(password);
  return { ...config, database: { ...config.database, url: joined.href } };
}

function isPostgres(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text);
}

function secret(key: string, value: string | undefined, file: string | undefined): string | undefined {
  if (file === undefined) return value;
  if (value !== undefined) throw new OmoiError('config_invalid', `give ${key} or ${key}_file, not both`);
  try {
    return readTextFile(file, maxSecretBytes).trim();
  } catch (thrown) {
    throw new OmoiError('config_invalid', `${key}_file: ${messageOf(thrown)}`);
  }
}
