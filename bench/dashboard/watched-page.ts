import { writeFileSync } from 'node:fs';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { DESKTOP } from '../../tests/browser/visits.ts';
import { mainThreadTasks, TRACED, type MainTask, type TraceEvent } from './trace.ts';

const WITHIN_MS = 60_000;
const LOOK_MS = 250;
/** As fast as somebody turns a wheel. */
const WHEEL_PX = 300;

export interface Seen {
  readonly seconds: number;
  /** Elements of the page, the most at any look. */
  readonly elements: number;
  /** All nodes: elements, texts and comments. */
  readonly nodes: number;
  /** By the clock, ms: of each picture of the browser the time since the one before. */
  readonly frameGapsMs: readonly number[];
  /** By the clock, ms: what the browser itself calls long tasks, of 50 ms or more. */
  readonly longTasksMs: readonly number[];
  readonly tasks: readonly MainTask[];
  /** Of the browser's main thread, s. */
  readonly mainThreadCpuSeconds: number;
}

/** What the page notes of itself, from before its first script. */
const NOTES = `
  window.benchNotes = { longTasks: [], gaps: [], nodes: 0, elements: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.benchNotes.longTasks.push(duration);
  }).observe({ type: 'longtask' });
  let before = null;
  const frame = (now) => {
    if (before !== null) window.benchNotes.gaps.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
`;

const COUNT = `(() => {
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
  let nodes = 1;
  while (walker.nextNode() !== null) nodes++;
  return { nodes, elements: document.getElementsByTagName('*').length };
})()`;

const FORGET = `Object.assign(window.benchNotes, { longTasks: [], gaps: [] })`;

interface Notes {
  readonly longTasks: readonly number[];
  readonly gaps: readonly number[];
}

export interface Visit {
  readonly url: string;
  readonly loginPath: string;
  readonly address: string;
  readonly scrolls: boolean;
}

/** A page of mission control that tells how it does. */
export interface WatchedPage {
  watch(options: { readonly seconds: number; readonly traceFile?: string }): Promise<Seen>;
  close(): Promise<void>;
}

export async function watchPage(browser: Browser, visit: Visit): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: DESKTOP });
  context.setDefaultTimeout(WITHIN_MS);
  const page = await context.newPage();
  await page.addInitScript(NOTES);
  await page.goto(`${visit.url}${visit.loginPath}`);
  await page.goto(`${visit.url}${visit.address}`);
  await page.locator('main h1').waitFor();
  await page.locator('main [aria-busy="true"][aria-label="Loading"]').first().waitFor({ state: 'detached' });
  const session = await context.newCDPSession(page);
  return {
    watch: (options) => watch({ page, session, browser, scrolls: visit.scrolls }, options),
    close: () => context.close(),
  };
}

interface Watching {
  readonly page: Page;
  readonly session: CDPSession;
  readonly browser: Browser;
  readonly scrolls: boolean;
}

async function watch(
  { page, browser, scrolls }: Watching,
  { seconds, traceFile }: { readonly seconds: number; readonly traceFile?: string },
): Promise<Seen> {
  await browser.startTracing(page, { categories: [...TRACED] });
  await page.evaluate(FORGET);
  const beganMs = performance.now();
  let most = { nodes: 0, elements: 0 };
  let step = WHEEL_PX;
  while (performance.now() - beganMs < seconds * 1000) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (scrolls) {
      await page.mouse.move(DESKTOP.width / 2, DESKTOP.height / 2);
      await page.mouse.wheel(0, step);
      const isAtEnd = await page.evaluate<boolean>(
        `${step} > 0 ? scrollY + innerHeight >= document.documentElement.scrollHeight - 2 : scrollY <= 0`,
      );
      if (isAtEnd) step = -step;
    }
    const counted = await page.evaluate<typeof most>(COUNT);
    most = {
      nodes: Math.max(most.nodes, counted.nodes),
      elements: Math.max(most.elements, counted.elements),
    };
  }
  const { longTasks, gaps } = await page.evaluate<Notes>('window.benchNotes');
  const trace = await browser.stopTracing();
  if (traceFile !== undefined) writeFileSync(traceFile, trace);
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: readonly TraceEvent[] };
  const tasks = mainThreadTasks(traceEvents);
  return {
    seconds: (performance.now() - beganMs) / 1000,
    ...most,
    frameGapsMs: gaps,
    longTasksMs: longTasks,
    tasks,
    mainThreadCpuSeconds: tasks.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000,
  };
}
