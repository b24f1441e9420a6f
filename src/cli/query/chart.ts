import { formatLabels } from '#telemetry';
import { toNumber, type MatrixSeries } from './answer.ts';
import { createBrailleCanvas, createMarkCanvas, type Canvas, type Cell } from './canvas.ts';
import { numberLabel, timeLabel } from './labels.ts';
import { printable } from './printable.ts';

export interface ChartOptions {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** Of the terminal, in characters. */
  readonly width: number;
  readonly colours: boolean;
  /** Of the times below the chart; the machine's own where absent. */
  readonly timeZone?: string;
}

/** So that four labels stand at even distances. */
const HEIGHT = 13;
const MIN_PLOT_WIDTH = 20;
const maxChartSeries = 8;
/** Told apart by who does not see all colours too. */
const COLOURS = [36, 33, 35, 32, 34, 31, 96, 93] as const;
const NO_COLOUR = 39;
const MARKS = ['●', '+', '×', 'o', '*', '#', '▲', '◇'] as const;
/** A scale that would begin in this lowest part of its height begins at zero. */
const NEAR_ZERO = 0.4;

/** What is drawn: a point a column, its peak where that is known. */
export interface ChartSeries extends MatrixSeries {
  /** Of all that lies between the points, too; without it of the points. */
  readonly lowest?: number;
  readonly last?: number;
}

interface Line {
  readonly name: string;
  readonly points: readonly { readonly timeMs: number; readonly value: number }[];
  readonly min: number;
  readonly max: number;
  readonly last: number;
}

interface Scale {
  readonly low: number;
  readonly high: number;
}

/** The series as lines in the terminal, with scales and a legend. Of many, those that reach highest are drawn. */
export function chartOf(series: readonly ChartSeries[], options: ChartOptions): readonly string[] {
  const all = series.flatMap(lineOf);
  const [drawn, omitted] = chooseLines(all);
  const notDrawn = notDrawnOf(series);
  if (drawn.length === 0) return notDrawn.length > 0 ? notDrawn : ['no samples in this range'];
  const scale = scaleOf(drawn);
  const axis = axisLabels(scale);
  const gutter = Math.max(...axis.map(({ text }) => text.length));
  const width = Math.max(MIN_PLOT_WIDTH, options.width - gutter - 2);
  const isSingle = drawn.length === 1;
  const canvas =
    options.colours || isSingle ? createBrailleCanvas(width, HEIGHT) : createMarkCanvas(width, HEIGHT, MARKS);
  drawn.forEach((line, pen) => drawLine(canvas, line, { pen, scale, width, options }));
  const plot = canvas.rows().map((row, at) => {
    const label = axis.find(({ row: labelled }) => labelled === at)?.text;
    const tick = label === undefined ? '│' : '┤';
    return `${(label ?? '').padStart(gutter)} ${tick}${paintRow(row, options)}`.trimEnd();
  });
  return [
    ...plot,
    ...timeAxis(gutter, width, options),
    '',
    ...legendOf(drawn, omitted, options),
    ...notDrawn,
  ];
}

function lineOf({ metric, values, lowest, last: newest }: ChartSeries): readonly Line[] {
  const points = values
    .map(([seconds, text]) => ({ timeMs: seconds * 1000, value: toNumber(text) }))
    .filter(({ value }) => Number.isFinite(value));
  const last = points.at(-1);
  if (!last) return [];
  const numbers = points.map(({ value }) => value);
  return [
    {
      name: printable(formatLabels(metric)),
      points,
      min: lowest ?? numbers.reduce((least, value) => Math.min(least, value)),
      max: numbers.reduce((most, value) => Math.max(most, value)),
      last: newest ?? last.value,
    },
  ];
}

/** What has samples and no line, in words. */
function notDrawnOf(series: readonly MatrixSeries[]): readonly string[] {
  const histograms = series.filter((one) => one.histograms.length > 0).length;
  const withoutNumbers = series.filter(
    ({ values }) => values.length > 0 && !values.some(([, text]) => Number.isFinite(toNumber(text))),
  ).length;
  return [
    ...(histograms > 0
      ? [
          `native histograms have no line (${histograms} series); try histogram_quantile, histogram_avg, histogram_count`,
        ]
      : []),
    ...(withoutNumbers > 0 ? [`what is never a finite number has no line (${withoutNumbers} series)`] : []),
  ];
}

/** The lines to draw, in the order they came in, and how many are left out. */
function chooseLines(lines: readonly Line[]): readonly [readonly Line[], number] {
  if (lines.length <= maxChartSeries) return [lines, 0];
  const highest = new Set([...lines].sort((a, b) => b.max - a.max).slice(0, maxChartSeries));
  return [lines.filter((line) => highest.has(line)), lines.length - maxChartSeries];
}

function scaleOf(lines: readonly Line[]): Scale {
  const min = Math.min(...lines.map((line) => line.min));
  const max = Math.max(...lines.map((line) => line.max));
  if (min === max) {
    const margin = Math.abs(min) / 2 || 1;
    return { low: min >= 0 ? 0 : finite(min - margin), high: min === 0 ? 1 : finite(max + margin) };
  }
  return { low: min > 0 && min < max * NEAR_ZERO ? 0 : min, high: max };
}

/** The nearest number that a scale can end at. */
function finite(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}

function axisLabels({ low, high }: Scale): readonly { readonly row: number; readonly text: string }[] {
  const rows = [0, 1, 2, 3].map((third) => (third * (HEIGHT - 1)) / 3);
  return rows.map((row) => ({
    row,
    text: numberLabel(roundTo(high * (1 - row / (HEIGHT - 1)) + low * (row / (HEIGHT - 1)), high - low)),
  }));
}

/** Without the digits that a chart of this height cannot show. */
function roundTo(value: number, extent: number): number {
  const digits = Math.max(0, 3 - Math.ceil(Math.log10(extent)));
  return digits > 15 ? value : Number(value.toFixed(digits));
}

interface Drawing {
  readonly pen: number;
  readonly scale: Scale;
  readonly width: number;
  readonly options: ChartOptions;
}

function drawLine(canvas: Canvas, { points }: Line, { pen, scale, width, options }: Drawing): void {
  const { startMs, endMs, stepMs } = options;
  const lastX = width * canvas.dotsAcross - 1;
  const lastY = HEIGHT * canvas.dotsDown - 1;
  const xOf = (timeMs: number): number =>
    Math.round(((timeMs - startMs) / Math.max(1, endMs - startMs)) * lastX);
  const yOf = (value: number): number =>
    // Halves, because the whole extent may be more than the largest number.
    Math.round(((scale.high / 2 - value / 2) / (scale.high / 2 - scale.low / 2)) * lastY);
  points.forEach(({ timeMs, value }, at) => {
    const before = points[at - 1];
    const x = xOf(timeMs);
    const y = yOf(value);
    // A missing sample is a gap, not a line.
    if (before && timeMs - before.timeMs <= stepMs * 1.5) {
      connect(canvas, { fromX: xOf(before.timeMs), fromY: yOf(before.value), x, y }, pen);
    } else {
      canvas.dot(x, y, pen);
    }
  });
}

interface Stroke {
  readonly fromX: number;
  readonly fromY: number;
  readonly x: number;
  readonly y: number;
}

function connect(canvas: Canvas, { fromX, fromY, x, y }: Stroke, pen: number): void {
  const length = Math.max(Math.abs(x - fromX), Math.abs(y - fromY), 1);
  for (let at = 0; at <= length; at++) {
    const part = at / length;
    canvas.dot(Math.round(fromX + (x - fromX) * part), Math.round(fromY + (y - fromY) * part), pen);
  }
}

function timeAxis(gutter: number, width: number, options: ChartOptions): readonly string[] {
  const { startMs, endMs } = options;
  const label = (timeMs: number): string =>
    timeLabel(timeMs, {
      rangeMs: endMs - startMs,
      ...(options.timeZone !== undefined && { timeZone: options.timeZone }),
    });
  const [start, middle, end] = [label(startMs), label((startMs + endMs) / 2), label(endMs)];
  const beside = Math.max(1, Math.floor((width - middle.length) / 2) - start.length);
  const left = `${start}${' '.repeat(beside)}${middle}`;
  const right = ' '.repeat(Math.max(1, width - left.length - end.length)) + end;
  const indent = ' '.repeat(gutter + 1);
  return [`${indent}└${'─'.repeat(width)}`, `${indent} ${left}${right}`];
}

function legendOf(lines: readonly Line[], omitted: number, options: ChartOptions): readonly string[] {
  const rows = lines.map((line, pen) => ({
    key: paintRow(
      [{ character: lines.length > 1 && !options.colours ? (MARKS[pen] ?? '?') : '●', pen }],
      options,
    ),
    name: line.name,
    numbers: [line.min, line.max, line.last].map(numberLabel),
  }));
  const headings = ['min', 'max', 'last'];
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(({ numbers }) => numbers[column]?.length ?? 0)),
  );
  const columns = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ');
  return [
    `  ${columns(headings)}`,
    ...rows.map(({ key, name, numbers }) => `${key} ${columns(numbers)}  ${name}`),
    ...(omitted > 0 ? [`  and ${omitted} more series that stay lower`] : []),
  ];
}

/** A row of cells as text, with a change of colour only where the pen changes. */
function paintRow(row: readonly Cell[], { colours }: Pick<ChartOptions, 'colours'>): string {
  let text = '';
  let colour = NO_COLOUR;
  for (const cell of row) {
    const wanted = cell && colours ? (COLOURS[cell.pen % COLOURS.length] ?? NO_COLOUR) : colour;
    if (wanted !== colour) text += `\u001b[${wanted}m`;
    colour = wanted;
    text += cell?.character ?? ' ';
  }
  return colour === NO_COLOUR ? text : `${text.trimEnd()}\u001b[${NO_COLOUR}m`;
}
