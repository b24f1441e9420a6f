import { copyLabels, labelValue, METRIC_NAME_LABEL, type Labels, type Matcher } from '#telemetry';
import type { Call } from '../syntax/ast.ts';
import { infoNameMatchers, infoSelectorOf } from '../syntax/info-selector.ts';
import type { Frame } from './evaluation-context.ts';
import { NewestInfos } from './newest-infos.ts';
import { OutputRows } from './output-rows.ts';
import { byRows, type Steps } from './pacing.ts';
import { evaluationError } from './query-error.ts';
import { evaluateSelector } from './selectors.ts';
import { ABSENT, type VectorTable } from './vector-table.ts';

/** By what a series and what is known of its target find each other: fixed in Prometheus, too. */
const IDENTIFYING = ['instance', 'job'] as const;

/**
 * `info(v, {…})`: the elements of `v` with the labels of info metrics of the same instance and job; of several series of
 * one metric the one with the newest sample counts.
 * @throws OmoiError `query_failed` where two have samples of the same time, or two metrics differ in a label
 */
export function* evaluateInfo(call: Call, frame: Frame): Steps<VectorTable> {
  const { grid, context } = frame;
  const [of, by] = call.args;
  if (!of) throw new Error('info takes a vector');
  const base = yield* frame.vector(of);
  const times = yield* evaluateSelector(infoSelectorOf(call), { grid, context }, 'float_timestamp');
  const join = new InfoJoin(base, times, by?.kind === 'vector_selector' ? by.matchers : []);
  yield* join.findInfos();
  yield* byRows(base, (row) => join.addRow(row));
  return join.rows.table;
}

class InfoJoin {
  readonly rows: OutputRows;
  readonly #base: VectorTable;
  /** The times of the info series' samples, in seconds. */
  readonly #infos: VectorTable;
  readonly #nameMatchers: readonly Matcher[];
  /** By which labels are chosen: none, all are wanted. */
  readonly #labelMatchers: readonly Matcher[];
  readonly #wanted: ReadonlySet<string>;
  /** The info series that count, of each info metric, by what identifies them. */
  readonly #infosByName = new Map<string, Map<string, NewestInfos>>();

  constructor(base: VectorTable, infos: VectorTable, matchers: readonly Matcher[]) {
    this.#base = base;
    this.#infos = infos;
    this.#nameMatchers = infoNameMatchers(matchers);
    this.#labelMatchers = matchers.filter(({ name }) => name !== METRIC_NAME_LABEL);
    this.#wanted = new Set(this.#labelMatchers.map(({ name }) => name));
    this.rows = new OutputRows(base.stepCount, base.rowCount);
  }

  /** Of the info series those that some element may want. Series that are info metrics themselves want none. */
  *findInfos(): Steps<void> {
    const wanted = IDENTIFYING.map((name) => ({ name, values: new Set<string>() }));
    const { stepCount, kinds } = this.#base;
    const hasElements = new Uint8Array(stepCount);
    yield* byRows(this.#base, (row) => {
      for (let step = 0; step < stepCount; step++) {
        if (kinds[row * stepCount + step] !== ABSENT) hasElements[step] = 1;
      }
      const labels = this.#base.labels[row] ?? {};
      if (this.#isInfo(labels)) return;
      for (const { name, values } of wanted) {
        const value = labelValue(labels, name);
        if (value !== '') values.add(value);
      }
    });
    const named = wanted.filter(({ values }) => values.size > 0);
    if (named.length === 0) return;
    yield* byRows(this.#infos, (row) => {
      const labels = this.#infos.labels[row] ?? {};
      if (!named.every(({ name, values }) => values.has(labelValue(labels, name)))) return;
      this.#infosOf(labels).add(row, hasElements);
    });
  }

  #infosOf(labels: Labels): NewestInfos {
    const name = labelValue(labels, METRIC_NAME_LABEL);
    let ofName = this.#infosByName.get(name);
    if (!ofName) this.#infosByName.set(name, (ofName = new Map()));
    const identity = identityOf(labels);
    let infos = ofName.get(identity);
    if (!infos) ofName.set(identity, (infos = new NewestInfos(this.#infos)));
    return infos;
  }

  /** Adds an element with what is known of its target at each step. */
  addRow(row: number): void {
    const { kinds, labels, dropsName, stepCount } = this.#base;
    const own = labels[row] ?? {};
    const isInfo = this.#isInfo(own);
    const infos = isInfo ? [] : this.#infosAbout(own);
    let joinedAt = -1;
    let to = -1;
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      if (kinds[cell] === ABSENT) continue;
      // What is known of a target seldom changes.
      if (joinedAt < 0 || infos.some((one) => one.rowAt(step) !== one.rowAt(joinedAt))) {
        const joined = isInfo ? own : this.#joined(own, infos, step);
        to = joined === null ? -1 : this.rows.rowOf(joined, dropsName[row] ?? false);
        joinedAt = step;
      }
      if (to < 0) continue;
      this.rows.assertFree(to + step);
      this.rows.table.copyCell(to + step, this.#base, cell);
    }
  }

  /** Of each info metric what is known of the target of an element. */
  #infosAbout(labels: Labels): readonly NewestInfos[] {
    const identity = identityOf(labels);
    return [...this.#infosByName.values()].flatMap((ofName) => ofName.get(identity) ?? []);
  }

  /** Null where labels are asked for that no info series has. */
  #joined(own: Labels, infos: readonly NewestInfos[], step: number): Labels | null {
    const found = infos.map((one) => one.rowAt(step)).filter((row) => row >= 0);
    if (found.length === 0) return this.#labelMatchers.every((matcher) => matcher.matches('')) ? own : null;
    const added = new Map<string, string>();
    for (const row of found) {
      for (const [name, value] of Object.entries(this.#infos.labels[row] ?? {})) {
        if (name === METRIC_NAME_LABEL || value === '') continue;
        if (this.#wanted.size > 0 && !this.#wanted.has(name)) continue;
        const other = added.get(name);
        if (other !== undefined && other !== value) throw evaluationError(`conflicting label: ${name}`);
        if (labelValue(own, name) === '') added.set(name, value);
      }
    }
    const joined = copyLabels(own);
    for (const [name, value] of added) joined[name] = value;
    return joined;
  }

  #isInfo(labels: Labels): boolean {
    const name = labelValue(labels, METRIC_NAME_LABEL);
    return this.#nameMatchers.every((matcher) => matcher.matches(name));
  }
}

function identityOf(labels: Labels): string {
  return JSON.stringify(IDENTIFYING.map((name) => labelValue(labels, name)));
}
