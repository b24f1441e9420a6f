import { copyLabels, labelValue, METRIC_NAME_LABEL, type Labels, type Matcher } from '#telemetry';
import type { Call } from '../syntax/ast.ts';
import { infoNameMatchers, infoSelectorOf } from '../syntax/info-selector.ts';
import type { Frame } from './evaluation-context.ts';
import { OutputRows } from './output-rows.ts';
import type { Steps } from './pacing.ts';
import { evaluationError } from './query-error.ts';
import { evaluateSelector } from './selectors.ts';
import { describeLabels } from './vector-matching.ts';
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
  const matchers = by?.kind === 'vector_selector' ? by.matchers : [];
  const join = new InfoJoin(base, times, matchers);
  join.findInfos();
  for (let row = 0; row < base.rowCount; row++) {
    join.addRow(row);
    if (context.guard.spend(base.stepCount)) yield;
  }
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
  /** The rows of each info metric, by what identifies them. */
  readonly #rowsByName = new Map<string, Map<string, number[]>>();

  constructor(base: VectorTable, infos: VectorTable, matchers: readonly Matcher[]) {
    this.#base = base;
    this.#infos = infos;
    this.#nameMatchers = infoNameMatchers(matchers);
    this.#labelMatchers = matchers.filter(({ name }) => name !== METRIC_NAME_LABEL);
    this.#wanted = new Set(this.#labelMatchers.map(({ name }) => name));
    this.rows = new OutputRows(base.stepCount, base.rowCount);
  }

  /** The info series that some element may want. Series that are info metrics themselves want none. */
  findInfos(): void {
    const wanted = IDENTIFYING.map(() => new Set<string>());
    for (let row = 0; row < this.#base.rowCount; row++) {
      const labels = this.#base.labels[row] ?? {};
      if (this.#isInfo(labels)) continue;
      for (const [at, name] of IDENTIFYING.entries()) {
        const value = labelValue(labels, name);
        if (value !== '') wanted[at]?.add(value);
      }
    }
    if (wanted.every(({ size }) => size === 0)) return;
    for (let row = 0; row < this.#infos.rowCount; row++) {
      const labels = this.#infos.labels[row] ?? {};
      const isWanted = IDENTIFYING.every((name, at) => {
        const values = wanted[at];
        return !values || values.size === 0 || values.has(labelValue(labels, name));
      });
      if (isWanted) this.#keepInfo(row, labels);
    }
    this.#assertUnambiguous();
  }

  #keepInfo(row: number, labels: Labels): void {
    const name = labelValue(labels, METRIC_NAME_LABEL);
    let ofName = this.#rowsByName.get(name);
    if (!ofName) this.#rowsByName.set(name, (ofName = new Map()));
    const identity = identityOf(labels);
    const rows = ofName.get(identity);
    if (rows) rows.push(row);
    else ofName.set(identity, [row]);
  }

  /** Fails where two series of one metric and identity have samples of the same time at a step with elements. */
  #assertUnambiguous(): void {
    const { stepCount } = this.#base;
    for (const ofName of this.#rowsByName.values()) {
      for (const rows of ofName.values()) {
        if (rows.length === 1) continue;
        for (let step = 0; step < stepCount; step++) this.#assertOneNewest(rows, step);
      }
    }
  }

  #assertOneNewest(rows: readonly number[], step: number): void {
    let newest = -1;
    for (const row of rows) {
      const time = this.#timeOf(row, step);
      if (time === null) continue;
      const newestTime = newest < 0 ? null : this.#timeOf(newest, step);
      if (newestTime === null || newestTime < time) newest = row;
      else if (newestTime === time && this.#hasElementAt(step)) throw this.#ambiguous(newest, row, time);
    }
  }

  #hasElementAt(step: number): boolean {
    const { kinds, rowCount, stepCount } = this.#base;
    for (let row = 0; row < rowCount; row++) if (kinds[row * stepCount + step] !== ABSENT) return true;
    return false;
  }

  #ambiguous(first: number, second: number, seconds: number): Error {
    const [existing, other] = [first, second].map((row) => describeLabels(this.#infos.labels[row] ?? {}));
    const timeMs = Math.round(seconds * 1000);
    return evaluationError(
      `found duplicate series for info metric: existing ${existing} @ ${timeMs}, new ${other} @ ${timeMs}`,
    );
  }

  #timeOf(row: number, step: number): number | null {
    const cell = row * this.#infos.stepCount + step;
    return this.#infos.kinds[cell] === ABSENT ? null : (this.#infos.values[cell] ?? null);
  }

  /** Adds an element with what is known of its target at each step. */
  addRow(row: number): void {
    const { kinds, labels, dropsName, stepCount } = this.#base;
    const own = labels[row] ?? {};
    const candidates = this.#candidatesOf(own);
    /** By the info series that count, what has become of the labels: what counts seldom changes. */
    const known = new Map<string, Labels | null>();
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      if (kinds[cell] === ABSENT) continue;
      const found = candidates === null ? [] : this.#newestOf(candidates, step);
      const key = found.join();
      let joined = known.get(key);
      if (joined === undefined)
        known.set(key, (joined = candidates === null ? own : this.#joined(own, found)));
      if (joined === null) continue;
      const to = this.rows.rowOf(joined, dropsName[row] ?? false) + step;
      this.rows.assertFree(to);
      this.rows.table.copyCell(to, this.#base, cell);
    }
  }

  /** The rows of each info metric that are of the same target; null for an info metric itself. */
  #candidatesOf(labels: Labels): readonly (readonly number[])[] | null {
    if (this.#isInfo(labels)) return null;
    const identity = identityOf(labels);
    return [...this.#rowsByName.values()].flatMap((ofName) => {
      const rows = ofName.get(identity);
      return rows ? [rows] : [];
    });
  }

  #newestOf(candidates: readonly (readonly number[])[], step: number): readonly number[] {
    return candidates.flatMap((rows) => {
      let newest: number | null = null;
      let newestTime = -Infinity;
      for (const row of rows) {
        const time = this.#timeOf(row, step);
        if (time === null || time <= newestTime) continue;
        newest = row;
        newestTime = time;
      }
      return newest === null ? [] : [newest];
    });
  }

  /** Null where labels are asked for that no info series has. */
  #joined(own: Labels, found: readonly number[]): Labels | null {
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
