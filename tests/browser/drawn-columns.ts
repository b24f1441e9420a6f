import type { Page } from 'playwright-core';

/** Columns of a chart that stand side by side, each with a colour somewhere in it; pixels from the left. */
export interface Stretch {
  readonly from: number;
  /** The last of them. */
  readonly to: number;
}

/** How far each part of a colour may be from what it should be: lines are smoothed at their edges. */
const TOLERANCE = 30;

/**
 * Where a chart's canvas has a colour of the page, from left to right.
 * @param chart selector of what holds the canvas
 * @param colour the name of the colour: `--busy`
 */
export async function drawnColumns(page: Page, chart: string, colour: string): Promise<readonly Stretch[]> {
  const columns = await page.evaluate<readonly number[]>(`(() => {
    const holder = document.querySelector(${JSON.stringify(chart)});
    const canvas = holder.querySelector('canvas');
    const probe = holder.appendChild(document.createElement('span'));
    probe.style.color = 'var(${colour})';
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const isDrawn = (x, y) => {
      const at = 4 * (y * width + x);
      return data[at + 3] > 200 && wanted.every((part, band) => Math.abs(data[at + band] - part) <= ${TOLERANCE});
    };
    const columns = [];
    for (let x = 0; x < width; x++)
      for (let y = 0; y < height; y++)
        if (isDrawn(x, y)) { columns.push(x); break; }
    return columns;
  })()`);
  const stretches: { from: number; to: number }[] = [];
  for (const column of columns) {
    const last = stretches.at(-1);
    if (last !== undefined && column === last.to + 1) last.to = column;
    else stretches.push({ from: column, to: column });
  }
  return stretches;
}
