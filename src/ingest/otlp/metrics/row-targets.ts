import { OmoiError, type Exemplar, type SampleBatch } from '#telemetry';
import type { Refusals } from '../refusals.ts';
import { speaksFor, type Authority, type OtlpSender } from '../sender.ts';
import type { Family, KnownResource } from './family.ts';
import { placeInBlock, type KnownWriters } from './known-writers.ts';
import type { PointLabels } from './labels.ts';
import { FIRST_UNKNOWN_WRITER, type PointRows } from './point-rows.ts';
import type { RowWriter } from './row-writer.ts';
import type { OtlpSampleStore } from './sample-store.ts';
import { STORE_REFUSALS } from './store-refusals.ts';
import { labelsOfUnknown, resolveWriter, seriesNames, type ResolvedWriter } from './writers.ts';

/** Label sets read between two chances to pause, and bytes of their attributes. */
const LABELS_PER_STEP = 20;
const LABEL_BYTES_PER_STEP = 16 * 1024;

export interface RowTargetsParts {
  readonly samples: OtlpSampleStore;
  readonly authority: Authority;
  readonly known: KnownWriters;
  readonly rows: PointRows;
  readonly refusals: Refusals;
  readonly sender: OtlpSender;
  readonly receivedAtMs: number;
}

/**
 * Finds, for the rows of one request, the series that they belong to: makes them where they are missing, once a sample
 * of theirs is sure to be wanted, and refuses what the sender may not write.
 */
export class RowTargets {
  readonly #parts: RowTargetsParts;
  /** Of the writers that were not known: their labels, then their series or why there are none. */
  readonly #labels: PointLabels[] = [];
  readonly #resolved: (ResolvedWriter | string | undefined)[] = [];
  /** Of the request's families: why they are refused, or null; found out with the first point of each. */
  readonly #familyProblems: (string | null | undefined)[] = [];
  /** Agents that the sender speaks for, or not. */
  readonly #speaksFor = new Map<string, boolean>();
  /** The newest time of a point stored, by resource; of the resource that the last one was of, beside it. */
  readonly #newestMs = new Map<KnownResource, number>();
  #resource: KnownResource | null = null;
  #resourceNewestMs = Number.NEGATIVE_INFINITY;
  /** The writer of a row that was known before the request: one object for all of them. */
  readonly #knownWriter: { -readonly [Key in keyof ResolvedWriter]: ResolvedWriter[Key] };
  #exemplarsDone = 0;
  /** Series made since this was set to 0. */
  newSeries = 0;

  constructor(parts: RowTargetsParts) {
    this.#parts = parts;
    this.#knownWriter = { ref: 0, group: null, block: parts.known.points.blockOf(0), entry: 0 };
  }

  /** Reads the labels of the writers that are not known; yields now and then. @throws OmoiError `payload_undecodable` */
  *readLabels(): Generator<void> {
    let bytes = 0;
    for (const writer of this.#parts.rows.unknown) {
      this.#labels.push(labelsOfUnknown(writer));
      bytes += writer.attributeBytes.length;
      if (this.#labels.length % LABELS_PER_STEP !== 0 && bytes < LABEL_BYTES_PER_STEP) continue;
      bytes = 0;
      yield;
    }
  }

  /** Whether a row may have cost much more than a sample of a known series. */
  isCostly(row: number): boolean {
    const { rows } = this.#parts;
    return rows.histograms.length > 0 || (rows.writers[row] ?? 0) >= FIRST_UNKNOWN_WRITER;
  }

  /** Hands a row to the writer. @returns why it is refused, or null */
  write(row: number, writer: RowWriter, batch: SampleBatch): string | null {
    const { rows } = this.#parts;
    const familyAt = rows.families[row] ?? 0;
    const family = rows.familyList[familyAt];
    if (!family) return 'a metric without data';
    const timeMs = rows.timesMs[row] ?? 0;
    let familyProblem = this.#familyProblems[familyAt];
    if (familyProblem === undefined) {
      familyProblem = this.#familyProblem(family);
      this.#familyProblems[familyAt] = familyProblem;
    }
    const problem = familyProblem ?? this.#timeProblem(timeMs);
    const target = problem ?? this.#targetOf(rows.writers[row] ?? 0, family);
    const refusal = typeof target === 'string' ? target : writer.write(row, family, target);
    if (rows.exemplars.length > 0) {
      const stored = refusal === null && typeof target !== 'string' ? target : null;
      this.#addExemplars(row, stored, batch);
    }
    if (refusal !== null) return refusal;
    this.#note(family, timeMs);
    return null;
  }

  /** One `target_info` for each resource that has had a point stored, at the time of its newest. */
  addTargetInfo(batch: SampleBatch): void {
    this.#goTo(null);
    for (const [resource, newestMs] of this.#newestMs) {
      const { targetInfo } = resource;
      if (targetInfo === null) continue;
      try {
        const { samples } = this.#parts;
        if (!samples.holds(resource.targetInfoRef)) resource.targetInfoRef = samples.series(targetInfo);
        // Of several requests of one resource, one may tell of an earlier time: its points are taken all the same.
        if (newestMs > samples.newestMs(resource.targetInfoRef))
          batch.add(resource.targetInfoRef, newestMs, 1);
      } catch (thrown) {
        if (!(thrown instanceof OmoiError) || thrown.retryable) throw thrown;
        this.#parts.refusals.leaveOut(`target_info: ${thrown.message}`);
      }
    }
    this.#newestMs.clear();
  }

  #familyProblem(family: Family): string | null {
    if (family.name === null) return 'a metric without a name';
    const reserved = seriesNames(family).find((name) => this.#parts.authority.isReserved(name));
    return reserved === undefined ? null : `${reserved} is written by Omoi alone`;
  }

  #timeProblem(timeMs: number): string | null {
    if (this.#parts.samples.isTimely(timeMs)) return null;
    return timeMs < this.#parts.receivedAtMs ? STORE_REFUSALS.too_old : STORE_REFUSALS.too_far_ahead;
  }

  #targetOf(writer: number, family: Family): ResolvedWriter | string {
    if (writer >= FIRST_UNKNOWN_WRITER) return this.#unknownTarget(writer - FIRST_UNKNOWN_WRITER);
    const { known, sender } = this.#parts;
    const isGrouped = family.kind === 'histogram' || family.kind === 'summary';
    const block = (isGrouped ? known.grouped : known.points).blockOf(writer);
    const place = placeInBlock(writer);
    const agentId = sender.scope === null ? undefined : block.agentIds[place];
    if (agentId !== undefined && !this.#mayWriteFor(agentId)) return foreign(agentId);
    const target = this.#knownWriter;
    target.ref = block.refs[place] ?? 0;
    target.group = isGrouped ? (known.groups[target.ref] ?? null) : null;
    target.block = block;
    target.entry = writer;
    return target;
  }

  #unknownTarget(at: number): ResolvedWriter | string {
    return (this.#resolved[at] ??= this.#resolve(at));
  }

  #resolve(at: number): ResolvedWriter | string {
    const writer = this.#parts.rows.unknown[at];
    const found = this.#labels[at];
    if (!writer || !found) return 'a point without attributes';
    if (found.labels === null) return found.problem;
    const agentId = found.labels['agent_id'];
    if (agentId !== undefined && !this.#mayWriteFor(agentId)) return foreign(agentId);
    const resolved = resolveWriter(writer, found.labels, {
      sink: this.#parts.samples,
      known: this.#parts.known,
    });
    if (typeof resolved !== 'string') this.newSeries += resolved.group?.length ?? 1;
    return resolved;
  }

  #mayWriteFor(agentId: string): boolean {
    let may = this.#speaksFor.get(agentId);
    if (may === undefined) {
      may = speaksFor(this.#parts.sender, agentId, this.#parts.authority);
      this.#speaksFor.set(agentId, may);
    }
    return may;
  }

  #note(family: Family, timeMs: number): void {
    const { resource } = family.scope;
    if (resource !== this.#resource) this.#goTo(resource);
    if (timeMs > this.#resourceNewestMs) this.#resourceNewestMs = timeMs;
    if (family.isDescribed || family.name === null) return;
    const { type, help, unit } = family;
    this.#parts.samples.describe(family.name, { type, help, unit });
    family.isDescribed = true;
  }

  #goTo(resource: KnownResource | null): void {
    if (this.#resource !== null) this.#newestMs.set(this.#resource, this.#resourceNewestMs);
    this.#resource = resource;
    const newestMs = resource === null ? undefined : this.#newestMs.get(resource);
    this.#resourceNewestMs = newestMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Exemplars go with their series: of a histogram, with the bucket that they are in. */
  #addExemplars(row: number, target: ResolvedWriter | null, batch: SampleBatch): void {
    const { rows, samples, refusals, known } = this.#parts;
    for (; ; this.#exemplarsDone++) {
      const next = rows.exemplars[this.#exemplarsDone];
      if (!next || next.row > row) return;
      if (target === null || next.row < row) continue;
      const exemplar = atTime(next.exemplar, rows, row);
      const ref = target.group ? known.bucketOf(target.ref, exemplar.value) : target.ref;
      if (samples.isTimely(exemplar.timestampMs)) batch.addExemplar(ref, exemplar);
      else refusals.leaveOut('an exemplar that is too old or too far ahead');
    }
  }
}

/** An exemplar without a time of its own is of the time of its point. */
function atTime(exemplar: Exemplar, rows: PointRows, row: number): Exemplar {
  const { timestampMs } = exemplar;
  if (timestampMs === 0) return { ...exemplar, timestampMs: rows.timesMs[row] ?? 0 };
  return rows.redate === null ? exemplar : { ...exemplar, timestampMs: rows.redate(timestampMs) };
}

function foreign(agentId: string): string {
  return `this token does not speak for agent ${agentId}`;
}
