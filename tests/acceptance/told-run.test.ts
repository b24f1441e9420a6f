import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runTold } from '../../scripts/told-run.mjs';

const CLEAR = '\r\u001B[K';
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-told-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What is written, and what happens when a text has been. */
function outputOf(isTTY: boolean, whenWritten: (text: string) => void = () => undefined) {
  let written = '';
  return {
    isTTY,
    write(text: string | Uint8Array) {
      written += Buffer.from(text).toString();
      whenWritten(written);
    },
    get text() {
      return written;
    },
  };
}

const nodeCommand = (script: string) => ({
  command: process.execPath,
  args: ['-e', script],
  cwd: directory,
  what: 'installing',
});

it('a terminal sees how far it is, in one line', async () => {
  const waiting = `setInterval(() => require('node:fs').existsSync('seen') && process.exit(0), 20)`;
  const output = outputOf(true, (text) => {
    if (text.includes('1 of 2 packages')) writeFileSync(join(directory, 'seen'), '');
  });
  await runTold({ ...nodeCommand(waiting), done: () => '1 of 2 packages' }, output);
  expect(output.text).toMatch(/^omoi: installing …/);
  expect(output.text).toContain(`${CLEAR}omoi: installing … 1 of 2 packages, `);
  expect(output.text).toContain(`${CLEAR}omoi: installing: done after `);
  expect(output.text.trimEnd()).not.toContain('\n');
});

it('a log has lines, and what the command says', async () => {
  const output = outputOf(false);
  await runTold(nodeCommand(`console.log('out'); console.error('err')`), output);
  const lines = output.text.split('\n');
  expect(lines.slice(1, 3).toSorted()).toEqual(['err', 'out']);
  expect([lines[0], lines[3]]).toEqual([
    'omoi: installing …',
    expect.stringMatching(/^omoi: installing: done/),
  ]);
});

it.each([
  ['fails', nodeCommand('process.exit(3)'), /failed \(exit 3\)/],
  ['is not there', { ...nodeCommand(''), command: '/nowhere/npm' }, /\/nowhere\/npm could not be started/],
])('a command that %s is named', async (_what, command, message) => {
  await expect(runTold({ ...command, cwd: tmpdir() }, outputOf(false))).rejects.toThrow(message);
});
