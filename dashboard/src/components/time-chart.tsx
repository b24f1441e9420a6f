import { useEffect, useRef } from 'react';
import type uPlot from 'uplot';
import { axisWidthPx, lonePlaces } from '../domain/time-series.ts';
import type { Tone } from '../domain/tone.ts';
import { usePlot } from '../hooks/use-plot.ts';
import styles from './time-chart.module.css';

export interface TimeChartProps {
  /** What is seen, for those who hear the page. */
  readonly label: string;
  /** Seconds since epoch, ascending; its ends are the ends of the axis. */
  readonly timesSeconds: readonly number[];
  /** One value a time; null where there was none. */
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
  readonly heightPx: number;
  readonly tone?: Tone;
  /** A line that the value is held against. */
  readonly threshold?: number | null;
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short', hourCycle: 'h23' });

/** One value over time, with axes, and a threshold where there is one. */
export function TimeChart(props: TimeChartProps) {
  const { label, timesSeconds, values, format, heightPx, tone, threshold = null } = props;
  const formatNow = useRef(format);
  formatNow.current = format;
  const { place, plot } = usePlot({
    heightPx,
    optionsFor: (element) =>
      optionsFor(element, { heightPx, threshold, format: (value) => formatNow.current(value) }),
    madeOf: [threshold, tone],
  });
  useEffect(() => {
    plot?.setData([[...timesSeconds], timesSeconds.map(() => threshold), [...values]]);
  }, [plot, timesSeconds, values, threshold]);

  return <div ref={place} className={styles.plot} data-tone={tone} role="img" aria-label={label} />;
}

interface ChartOptions {
  readonly heightPx: number;
  readonly threshold: number | null;
  readonly format: (value: number) => string;
}

/** Colours come from the page’s own names, so that they follow the scheme. */
function optionsFor(element: HTMLElement, { heightPx, threshold, format }: ChartOptions): uPlot.Options {
  const style = getComputedStyle(element);
  const line = style.getPropertyValue('color');
  const colour = (name: string): string => colourOf(element, name);
  const grid = { stroke: colour('--line'), width: 1 };
  const axis = {
    stroke: colour('--ink-soft'),
    font: `11px ${style.fontFamily}`,
    grid,
    ticks: { show: false },
  };
  return {
    width: Math.max(1, element.clientWidth),
    height: heightPx,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    axes: [
      // Low enough that the first time does not touch the lowest value.
      {
        ...axis,
        grid: { show: false },
        size: 28,
        gap: 9,
        space: 70,
        values: (_plot, times) => times.map(timeText),
      },
      {
        ...axis,
        size: (_plot, labels) => axisWidthPx(labels),
        space: 28,
        values: (_plot, numbers) => numbers.map(format),
      },
    ],
    scales: {
      x: { time: true },
      // From zero, and up to the threshold in any case: how near it is, is what the chart is for.
      y: {
        range: (_plot, min, max) => {
          const most = Math.max(max ?? 0, threshold ?? 0);
          return [Math.min(min ?? 0, threshold ?? 0, 0) * 1.1, most <= 0 ? 1 : most * 1.15];
        },
      },
    },
    // The value above its threshold, which is wider: of two at the same height both are seen.
    series: [
      {},
      { stroke: colour('--bad'), alpha: 0.6, width: 3, dash: [5, 4], points: { show: false } },
      { stroke: line, width: 1.6, points: lonePoints(line), spanGaps: false },
    ],
  };
}

/** Points where no line is seen: a value without neighbours. */
export function lonePoints(colour: string): uPlot.Series.Points {
  return {
    show: false,
    filter: (plot, series) => lonePlaces(plot.data[series] ?? []),
    size: 5,
    width: 0,
    fill: colour,
  };
}

function timeText(seconds: number): string {
  return TIME.format(seconds * 1_000);
}

/**
 * What a colour’s name stands for in the present scheme: a canvas knows no `light-dark()`. It is read of an element that is new:
 * one that changes its colour may be on its way to it, as with reduced motion for a moment.
 */
function colourOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement('span'));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
