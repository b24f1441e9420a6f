import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState, type RefObject } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface PlotOptions {
  readonly heightPx: number;
  /** Its colours are read from the element, so that they follow the scheme. */
  readonly optionsFor: (element: HTMLElement) => uPlot.Options;
  /** Beside scheme and height: where one of these is another, the options are. As many at each call. */
  readonly madeOf: readonly unknown[];
}

/**
 * A plot as wide as its place in the page, without data at first; made anew where its options change.
 * @returns where it is to be, and the plot; null until it is there
 */
export function usePlot({ heightPx, optionsFor, madeOf }: PlotOptions): {
  readonly place: RefObject<HTMLDivElement | null>;
  readonly plot: uPlot | null;
} {
  const place = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<uPlot | null>(null);
  const scheme = useComputedColorScheme('light');
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const options = optionsFor(element);
    const created = new uPlot(options, [[], ...options.series.slice(1).map(() => [])], element);
    setPlot(created);
    const observer = new ResizeObserver(() => {
      created.setSize({ width: element.clientWidth, height: heightPx });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
      setPlot(null);
    };
  }, [scheme, heightPx, ...madeOf]);
  return { place, plot };
}
