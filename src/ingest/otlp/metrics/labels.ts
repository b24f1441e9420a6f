import { createHash } from 'node:crypto';
import { copyLabels, METRIC_NAME_LABEL, type Labels } from '#telemetry';
import { labelText, type PlainValue } from '../attributes.ts';
import type { PlainAttributes, Resource, Scope } from '../resource.ts';
import { prometheusLabel } from './names.ts';

/** Resource attributes that become labels of every series, and so need not be told apart otherwise. */
const LABELLED = new Set([
  'service.name',
  'service.namespace',
  'service.instance.id',
  'omoi.agent.id',
  'gen_ai.agent.id',
  'omoi.pool.id',
]);
const IDENTITY = new Set(['service.name', 'service.namespace', 'service.instance.id']);
const HASH_LENGTH = 12;

/**
 * Who writes, as labels: `job` from service.namespace and service.name, `instance` from service.instance.id, as
 * Prometheus has it; the agent and pool that the resource speaks for. Without service.instance.id, `instance` stands
 * for all other attributes of the resource: host.name, where there is one, and a hash. So two writers never share a
 * series.
 */
export function identityLabels({ attributes }: Resource): Labels {
  const text = (key: string): string => labelText(attributes[key] ?? null);
  const labels: Record<string, string> = {};
  const service = text('service.name');
  const namespace = text('service.namespace');
  if (service) labels['job'] = namespace ? `${namespace}/${service}` : service;
  const instance = text('service.instance.id') || derivedInstance(attributes);
  if (instance) labels['instance'] = instance;
  const agent = text('omoi.agent.id') || text('gen_ai.agent.id');
  if (agent) labels['agent_id'] = agent;
  if (text('omoi.pool.id')) labels['pool_id'] = text('omoi.pool.id');
  return labels;
}

function derivedInstance(attributes: PlainAttributes): string {
  const others = Object.entries(attributes)
    .filter(([key]) => !LABELLED.has(key))
    .sort(byKey);
  if (others.length === 0) return '';
  const hash = createHash('sha256').update(JSON.stringify(others)).digest('hex').slice(0, HASH_LENGTH);
  const host = labelText(attributes['host.name'] ?? null);
  return host ? `${host}:${hash}` : hash;
}

/** The scope as labels: the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility". */
export function scopeLabels({ name, version, attributes }: Scope): Labels {
  const labels: Record<string, string> = {};
  if (name) labels['otel_scope_name'] = name;
  if (version) labels['otel_scope_version'] = version;
  const prefixed = Object.entries(attributes).map(([key, value]): [string, PlainValue] => [
    `otel_scope_${key}`,
    value,
  ]);
  return { ...joined(prefixed).labels, ...labels };
}

/**
 * The labels of `target_info`: what else the resource says. Null where there is nothing else, or nobody to say it of.
 */
export function targetInfoLabels(resource: Resource, identity: Labels): Labels | null {
  if (!identity['job'] && !identity['instance']) return null;
  const others = Object.entries(resource.attributes).filter(([key]) => !IDENTITY.has(key));
  if (others.length === 0) return null;
  return withIdentity(joined(others).labels, { ...identity, [METRIC_NAME_LABEL]: 'target_info' });
}

/** The labels of a point, or what is wrong with its attributes. */
export type PointLabels =
  | { readonly labels: Labels; readonly problem: null }
  | { readonly labels: null; readonly problem: string };

/**
 * The labels of a point: those of its attributes, and `identity`, which wins. What an attribute said under a name of
 * the identity is kept under `exported_` and the name, as a scrape does.
 */
export function pointLabels(
  attributes: readonly (readonly [string, PlainValue])[],
  identity: Labels,
): PointLabels {
  const { labels, problem } = joined(attributes);
  if (problem !== null) return { labels: null, problem };
  return { labels: withIdentity(labels, identity), problem: null };
}

function withIdentity(labels: Labels, identity: Labels): Labels {
  const names = Object.keys(labels);
  if (!names.some((name) => Object.hasOwn(identity, name))) return copyLabels({ ...labels, ...identity });
  const merged = new Map(Object.entries(labels));
  for (const name of names) {
    if (!Object.hasOwn(identity, name)) continue;
    const value = labels[name] ?? '';
    merged.delete(name);
    if (value === identity[name] || value === '') continue;
    let other = `exported_${name}`;
    while (merged.has(other) || Object.hasOwn(identity, other)) other = `exported_${other}`;
    merged.set(other, value);
  }
  for (const [name, value] of Object.entries(identity)) merged.set(name, value);
  return copyLabels(Object.fromEntries(merged));
}

/** Values of keys that become one label are joined with `;` in the order of their keys. */
function joined(attributes: readonly (readonly [string, PlainValue])[]): {
  readonly labels: Labels;
  readonly problem: string | null;
} {
  const labels = new Map<string, string>();
  let problem: string | null = null;
  for (const [key, value] of [...attributes].sort(byKey)) {
    const name = prometheusLabel(key);
    if (name === null) {
      problem ??= `attribute ${JSON.stringify(key.slice(0, 60))} leaves no label name`;
      continue;
    }
    const text = labelText(value);
    const other = labels.get(name);
    labels.set(name, other === undefined ? text : `${other};${text}`);
  }
  return { labels: Object.fromEntries(labels), problem };
}

/** By UTF-16 code units, which differs from the order of bytes for rare characters alone. */
function byKey([left]: readonly [string, ...unknown[]], [right]: readonly [string, ...unknown[]]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
