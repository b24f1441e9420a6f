import { describe, expect, it } from 'vitest';
import type { MatrixSeries } from './answer.ts';
import { chartOf, type ChartOptions } from './chart.ts';
import { numberLabel, timeLabel } from './labels.ts';

const START_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
const options: ChartOptions = {
  startMs: START_MS,
  endMs: START_MS + 600_000,
  stepMs: 15_000,
  width: 60,
  colours: false,
  timeZone: 'UTC',
};

function series(
  metric: Readonly<Record<string, string>>,
  valueAt: (at: number) => string | null,
): MatrixSeries {
  const values = Array.from({ length: 41 }, (_, at) => [START_MS / 1000 + at * 15, valueAt(at)] as const);
  return {
    metric,
    values: values.flatMap(([at, value]) => (value === null ? [] : [[at, value] as [number, string]])),
    histograms: [],
  };
}

const plotOf = (lines: readonly string[]): readonly string[] => lines.slice(0, 13);

describe('a chart', () => {
  it('of one series is a line between its bounds, with times and a legend', () => {
    const lines = chartOf([series({ __name__: 'm', a: '1' }, (at) => String(at * 2.5))], options);
    expect(`\n${lines.join('\n')}\n`).toBe(`
 100 ┤                                                  ⢀⡠⠒⠉
     │                                              ⣀⠤⠒⠉⠁
     │                                         ⢀⡠⠤⠒⠉
     │                                     ⢀⡠⠤⠊⠁
66.7 ┤                                 ⣀⡠⠤⠊⠁
     │                             ⣀⡠⠔⠉
     │                         ⣀⡠⠔⠉
     │                     ⣀⠔⠊⠉
33.3 ┤                ⢀⡠⠔⠊⠉
     │            ⢀⡠⠔⠊⠁
     │        ⣀⠤⠔⠊⠁
     │   ⢀⣀⠤⠔⠉
   0 ┤⣀⠤⠊⠁
     └──────────────────────────────────────────────────────
      12:00:00               12:05:00               12:10:00

  min  max  last
●   0  100   100  m{a="1"}
`);
  });

  it('of several has a mark for each, where there are no colours', () => {
    const lines = chartOf([series({ queue: 'a' }, () => '0'), series({ queue: 'b' }, () => '8')], options);
    expect(plotOf(lines)[0]).toMatch(/^ *8 ┤\++$/);
    expect(plotOf(lines)[12]).toMatch(/^ *0 ┤●+$/);
    expect(lines.slice(-3)).toEqual([
      '  min  max  last',
      '●   0    0     0  {queue="a"}',
      '+   8    8     8  {queue="b"}',
    ]);
  });

  it('tells series apart by colour where it may, and ends each line without one', () => {
    const lines = chartOf([series({}, () => '1'), series({ a: '1' }, () => '5')], {
      ...options,
      colours: true,
    });
    const drawn = plotOf(lines).filter((line) => line.includes('\u001b['));
    expect(drawn).toHaveLength(2);
    for (const line of drawn) expect(line.endsWith('\u001b[39m')).toBe(true);
    expect(drawn[0]).toContain('\u001b[33m⠉');
    expect(drawn[1]).toContain('\u001b[36m');
  });

  it('leaves a gap where samples are missing or are no finite numbers', () => {
    const gap = (at: number): string | null => (at < 10 ? '1' : at < 20 ? null : at < 30 ? '+Inf' : '1');
    const [line] = plotOf(chartOf([series({}, gap)], options)).filter((row) => /[\u2801-\u28ff]/.test(row));
    expect(line).toMatch(/[\u2801-\u28ff] {20,}[\u2801-\u28ff]/);
  });

  it('draws the eight highest of many and says so', () => {
    const many = Array.from({ length: 11 }, (_, place) => series({ n: String(place) }, () => String(place)));
    const lines = chartOf(many, options);
    expect(lines.at(-1)).toBe('  and 3 more series that stay lower');
    expect(lines.filter((line) => line.includes('{n='))).toHaveLength(8);
    expect(lines.join('\n')).not.toContain('{n="2"}');
  });

  it('begins at zero where the values are not far from it', () => {
    const scaleOf = (low: string, high: string): string => {
      const lines = chartOf([series({}, (at) => (at % 2 === 0 ? low : high))], options);
      return `${plotOf(lines)[12]?.split('┤')[0]?.trim()} … ${plotOf(lines)[0]?.split('┤')[0]?.trim()}`;
    };
    expect(scaleOf('2', '10')).toBe('0 … 10');
    expect(scaleOf('9', '10')).toBe('9 … 10');
    expect(scaleOf('-3', '10')).toBe('-3 … 10');
    expect(scaleOf('7', '7')).toBe('0 … 10.5');
    expect(scaleOf('0', '0')).toBe('0 … 1');
  });

  it('of the largest numbers keeps its scale', () => {
    const of = (...values: readonly string[]) =>
      plotOf(
        chartOf(
          values.map((value, at) => series({ q: `${at}` }, () => value)),
          options,
        ),
      );
    const labels = (rows: readonly string[]) => rows.flatMap((row) => /^ *(\S+) ┤/.exec(row)?.[1] ?? []);
    const extremes = of('1.7976931348623157e+308', '-1.7976931348623157e+308');
    expect(labels(extremes)).toEqual(['1.80e+308', '5.99e+307', '-5.99e+307', '-1.80e+308']);
    expect([extremes[0], extremes[12]].map((row) => /[●+]{20}/.test(row ?? ''))).toEqual([true, true]);
    expect(labels(of('1.7976931348623157e+308'))[3]).toBe('0');
  });

  it('names what it cannot draw', () => {
    const histograms = { metric: { h: '1' }, values: [], histograms: [[0, { count: '1', sum: '1' }]] };
    const withHistogram = histograms as unknown as MatrixSeries;
    const never = series({ never: '1' }, () => 'NaN');
    const notes = [
      'native histograms have no line (1 series); try histogram_quantile, histogram_avg, histogram_count',
      'what is never a finite number has no line (1 series)',
    ];
    expect(chartOf([withHistogram, never], options)).toEqual(notes);
    expect(chartOf([withHistogram, never, series({}, () => '1')], options).slice(-2)).toEqual(notes);
  });

  it('without samples says so', () => {
    expect(chartOf([], options)).toEqual(['no samples in this range']);
  });

  it('fits any terminal', () => {
    for (const width of [1, 40, 200]) {
      const lines = chartOf([series({}, (at) => String(Math.sin(at) * 1e9))], { ...options, width });
      expect(Math.max(...plotOf(lines).map((line) => line.length))).toBeLessThanOrEqual(Math.max(width, 40));
    }
  });
});

it.each([
  [0, '0'],
  [0.25, '0.25'],
  [1 / 3, '0.3333'],
  [9999, '9999'],
  [12_345, '12.35k'],
  [-2_500_000, '-2.5M'],
  [7.1e12, '7.1T'],
  [0.00012, '1.20e-4'],
  [1e18, '1.00e+18'],
])('the number %s is labelled %s', (value, label) => {
  expect(numberLabel(value)).toBe(label);
});

it('a time is labelled with its day where the chart covers more than one', () => {
  const at = { timeZone: 'UTC', rangeMs: 3_600_000 };
  expect(timeLabel(START_MS, at)).toBe('12:00:00');
  expect(timeLabel(START_MS, { ...at, rangeMs: 7 * 86_400_000 })).toBe('22 Nov 12:00');
});
