import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MODULE = fileURLToPath(new URL('garbage-collection.ts', import.meta.url));

/** How often the old generation is collected while a heap is kept and 2 GB of buffers come and go. */
function collections(before: string): number {
  const program = `
    const { countBuffersApart } = await import(${JSON.stringify(MODULE)});
    ${before}
    const { PerformanceObserver } = await import('node:perf_hooks');
    let count = 0;
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) count++;
    });
    observer.observe({ entryTypes: ['gc'] });
    const kept = Array.from({ length: 400_000 }, (_, index) => ({ index, of: [index] }));
    for (let megabyte = 0; megabyte < 2048; megabyte++) {
      Buffer.alloc(1_048_576);
      await new Promise(setImmediate);
    }
    console.log(count, kept.length);`;
  const flags = ['--max-semi-space-size=16', '--input-type=module', '--disable-warning=ExperimentalWarning'];
  return Number.parseInt(execFileSync(process.execPath, [...flags, '--eval', program], { encoding: 'utf8' }));
}

test('buffers that come and go do not have the old generation collected', () => {
  expect(collections('')).toBeGreaterThan(8);
  expect(collections('countBuffersApart();')).toBeLessThan(4);
});

test('a V8 that does so by itself is not asked', () => {
  expect(collections("countBuffersApart('14.1.146.11-node.17');")).toBeGreaterThan(8);
});
