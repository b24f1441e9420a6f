import { METRIC_NAME_LABEL, OmoiError, type Labels, type SampleSink } from '#telemetry';
import { WIRE_BYTES, WireReader } from '../../wire-reader.ts';
import {
  attributeProblem,
  readKeyValue,
  TOO_DEEP,
  type ElementBudget,
  type PlainValue,
} from '../attributes.ts';
import { maxElementBytes, maxPointValues } from '../limits.ts';
import type { Family, Layout, SeriesGroup } from './family.ts';
import { addEntry, placeInBlock, type KnownWriters, type WriterBlock } from './known-writers.ts';
import { pointLabels, type PointLabels } from './labels.ts';
import type { UnknownWriter } from './point-rows.ts';

const TOO_MANY_VALUES = `a point whose attributes hold more than maxPointValues (${maxPointValues}) values`;

/** A writer whose series are there. */
export interface ResolvedWriter {
  /** Its series; of a histogram or summary its group instead. */
  readonly ref: number;
  readonly group: SeriesGroup | null;
  /** What is known of it; entry 0 where it is not remembered. */
  readonly block: WriterBlock;
  readonly entry: number;
}

/**
 * The labels of a writer that is not known.
 * @throws OmoiError `payload_undecodable`
 */
export function labelsOfUnknown({ family, layout, attributeBytes }: UnknownWriter): PointLabels {
  const reader = new WireReader('OTLP request');
  reader.reset(attributeBytes);
  const end = attributeBytes.length;
  const attributes: [string, PlainValue][] = [];
  const budget: ElementBudget = { bytesLeft: maxElementBytes, valuesLeft: maxPointValues };
  let problem: string | null = null;
  while (reader.at < end) {
    const tag = reader.varint32(end);
    if ((tag & 7) !== WIRE_BYTES) throw reader.broken('an attribute is no message');
    budget.valuesLeft--;
    const attribute = readKeyValue(reader, reader.fieldEnd(end), { depth: 0, budget });
    problem ??= attributeProblem(attribute);
    if (attribute.value !== TOO_DEEP) attributes.push([attribute.key, attribute.value]);
    if (budget.valuesLeft < 0) return { labels: null, problem: problem ?? TOO_MANY_VALUES };
  }
  if (problem !== null) return { labels: null, problem };
  const generated: Record<string, string> = { [METRIC_NAME_LABEL]: family.name ?? '' };
  if (layout) generated[layoutLabel(family)] = '';
  return pointLabels(attributes, { ...family.scope.labels, ...generated });
}

function layoutLabel({ kind }: Family): 'le' | 'quantile' {
  return kind === 'summary' ? 'quantile' : 'le';
}

/**
 * Makes the series of a writer, and remembers it.
 * @param labels as `labelsOfUnknown` gives them
 * @returns the reason where the store takes no such series
 * @throws OmoiError where it may be tried again
 */
export function resolveWriter(
  { family, layout, attributeBytes }: UnknownWriter,
  labels: Labels,
  { sink, known }: { readonly sink: SampleSink; readonly known: KnownWriters },
): ResolvedWriter | string {
  try {
    const columns = layout ? known.grouped : known.points;
    const group = layout ? seriesOfGroup(labels, { family, layout, sink }) : null;
    const ref = group && layout ? known.addGroup(group, layout) : sink.series(labels);
    const keys = layout ? known.groupedKeys : known.pointKeys;
    const entry = addEntry(keys, layout ? layout.id : family.id, attributeBytes);
    const block = columns.blockOf(entry);
    if (entry !== 0) {
      const place = placeInBlock(entry);
      block.refs[place] = ref;
      block.series[place] = group?.[0] ?? ref;
      block.agentIds[place] = labels['agent_id'];
      if (group) rememberPeer(known, { family, attributeBytes, entry, ref });
    }
    return { ref, group, block, entry };
  } catch (thrown) {
    if (thrown instanceof OmoiError && !thrown.retryable) return thrown.message;
    throw thrown;
  }
}

/** See `KnownWriters.endingGroup`. */
function rememberPeer(
  known: KnownWriters,
  added: {
    readonly family: Family;
    readonly attributeBytes: Uint8Array;
    readonly entry: number;
    readonly ref: number;
  },
): void {
  const peer = addEntry(known.pointKeys, added.family.id, added.attributeBytes);
  if (peer === 0) return;
  const { refs } = known.points.blockOf(peer);
  const place = placeInBlock(peer);
  known.grouped.blockOf(added.entry).peers[placeInBlock(added.entry)] = peer;
  const before = known.groups[refs[place] ?? 0];
  if (!before || (known.groups[added.ref]?.length ?? 0) > before.length) refs[place] = added.ref;
}

/** Count, sum, then one series for each text of the layout. */
function seriesOfGroup(
  labels: Labels,
  { family, layout, sink }: { readonly family: Family; readonly layout: Layout; readonly sink: SampleSink },
): SeriesGroup {
  const name = family.name ?? '';
  const suffix = family.kind === 'summary' ? '' : '_bucket';
  const label = layoutLabel(family);
  const group = new Float64Array(layout.texts.length + 2);
  group[0] = sink.series({ ...labels, [METRIC_NAME_LABEL]: `${name}_count` });
  group[1] = sink.series({ ...labels, [METRIC_NAME_LABEL]: `${name}_sum` });
  layout.texts.forEach((text, at) => {
    group[at + 2] = sink.series({ ...labels, [METRIC_NAME_LABEL]: `${name}${suffix}`, [label]: text });
  });
  return group;
}

/** The names that a family's series have. */
export function seriesNames({ kind, name }: Family): readonly string[] {
  if (name === null) return [];
  if (kind === 'histogram') return [name, `${name}_bucket`, `${name}_count`, `${name}_sum`];
  if (kind === 'summary') return [name, `${name}_count`, `${name}_sum`];
  return [name];
}
