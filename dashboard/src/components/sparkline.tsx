import { useEffect } from 'react';
import type uPlot from 'uplot';
import { usePlot } from '../hooks/use-plot.ts';
import styles from './sparkline.module.css';
import { lonePoints } from './time-chart.tsx';

export interface SparklineProps {
  /** What is seen, for those who hear the page. */
  readonly label: string;
  /** Seconds since epoch, ascending. */
  readonly timesSeconds: readonly number[];
  /** One value a time; null where there was none. */
  readonly values: readonly (number | null)[];
  /** The span of time that the whole width stands for, seconds since epoch. */
  readonly from: number;
  readonly to: number;
}

const heightPx = 44;

/** A small line of one value over time, without axes; the pointer reads it. */
export function Sparkline({ label, timesSeconds, values, from, to }: SparklineProps) {
  const { place, plot } = usePlot({ heightPx, optionsFor, madeOf: [] });
  useEffect(() => {
    plot?.setData([[...timesSeconds], [...values]], false);
    plot?.setScale('x', { min: from, max: to });
  }, [plot, timesSeconds, values, from, to]);

  return <div ref={place} className={styles.plot} role="img" aria-label={label} />;
}

/** Colours come from the page’s own names, so that they follow the scheme. */
function optionsFor(element: HTMLElement): uPlot.Options {
  const line = getComputedStyle(element).getPropertyValue('color');
  return {
    width: Math.max(1, element.clientWidth),
    height: heightPx,
    padding: [4, 2, 2, 2],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: true },
      // From zero, and never so tall that one waiting task looks like a mountain.
      y: { range: (_plot, _min, max) => [0, Math.max(max, 4) * 1.08] },
    },
    series: [{}, { stroke: line, width: 1.6, fill: fade(line), points: lonePoints(line), spanGaps: false }],
  };
}

function fade(color: string): (plot: uPlot) => CanvasGradient {
  return ({ ctx, bbox }) => {
    const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
    gradient.addColorStop(0, withAlpha(color, 0.26));
    gradient.addColorStop(1, withAlpha(color, 0.02));
    return gradient;
  };
}

/** `rgb(1, 2, 3)`, as a computed colour always reads, with an opacity. */
function withAlpha(color: string, alpha: number): string {
  return color.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}
