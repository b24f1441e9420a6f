import { expect, it } from 'vitest';
import { noneListed, readPayload, readTasks } from './tasks.ts';

it.each([
  [undefined, 'no task waits or is worked on'],
  ['completed', 'no task is completed'],
])('an empty list of tasks that are %s says of which', (state, said) => {
  expect(noneListed(state)).toBe(said);
});

it.each([
  ['{', /^--payload: the text is no JSON: /],
  ['@/nowhere/a.json', /^--payload: @\/nowhere\/a\.json can't be read: ENOENT/],
  ['@/', /^--payload: @\/ can't be read: this is no regular file, but a directory/],
  ['@/dev/zero', /^--payload: @\/dev\/zero can't be read: this is no regular file/],
])('a payload %s says what is wrong with it', async (said, message) => {
  await expect(readPayload(said)).rejects.toThrow(message);
});

it.each([
  ['queued', '/api/v1/fleet/tasks?', null],
  ['parked', '/api/v1/fleet/tasks?', null],
  ['completed', '/api/v1/fleet/tasks/finished?', 'behind'],
  ['failed', '/api/v1/fleet/tasks/finished?', 'behind'],
  ['cancelled', '/api/v1/fleet/tasks/finished?', 'behind'],
])('tasks that are %s are read from %s', async (state, path, cursor) => {
  const asked: string[] = [];
  const call = (_method: string, path: string): Promise<unknown> => {
    asked.push(path);
    return Promise.resolve({ tasks: [], next_cursor: asked.length === 1 ? cursor : null });
  };
  const { rows, more } = await readTasks({ call }, { state, phase: 'P', limit: 10 });
  expect({ rows, more }).toEqual({ rows: [], more: false });
  expect(asked).toHaveLength(cursor === null ? 1 : 2);
  expect(asked.at(-1)).toContain(path);
  expect(asked.at(-1)).toContain(`state=${state}&phase_id=P`);
  expect(new URL(asked.at(-1) ?? '', 'http://omoi').searchParams.get('cursor')).toBe(cursor);
});
