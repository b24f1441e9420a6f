import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/** Nothing that a browser does by itself may reach the network. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Without a graphics card each picture of an animation is drawn by the processor. */
const STILL = ['--force-prefers-reduced-motion'];

/**
 * The Chromium that browser tests run in. Where there is none they are skipped with the command to type; under `CI=true`
 * missing is failing.
 */
export function chromiumForTests(): string | null {
  const program = findChromium();
  if (program !== null) return program;
  if (process.env['CI'] === 'true')
    throw new Error('Chromium is missing. To install it: sudo apt-get install chromium');
  console.warn('No Chromium: the browser tests are skipped. To install it: sudo apt-get install chromium');
  return null;
}

/** Where a Chromium is installed, or null. */
function findChromium(): string | null {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const places = PROGRAMS.flatMap((program) => directories.map((directory) => join(directory, program)));
  return places.find((place) => existsSync(place)) ?? null;
}

/** A headless browser with a fresh profile. */
export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: [...QUIET, ...STILL] });
}
