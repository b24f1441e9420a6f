import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const DIES = fileURLToPath(new URL('./die-in-commit.ts', import.meta.url));

let data: ReturnType<typeof dataDirectory>;
let server: OmoiServer;
let admin: Client;

beforeEach(async () => {
  data = dataDirectory();
  server = await OmoiServer.start(data.path, { env: { OMOI_NODE_FLAGS: `--import=${DIES}` } });
  admin = new Client(() => server.url, server.adminToken);
});

afterEach(async () => {
  await server.stop();
  data.remove();
});

const enqueue = (taskType: string) =>
  admin.call('/api/v1/fleet/tasks', {
    method: 'POST',
    body: { task_type: taskType, phase_id: 'PHASE_TESTING' },
  });

async function enqueued(): Promise<readonly string[]> {
  const { tasks } = await admin.read<{ tasks: readonly { readonly task_type: string }[] }>(
    '/api/v1/fleet/tasks',
  );
  return tasks.map((task) => task.task_type).toSorted();
}

describe('the thread that writes the state', () => {
  it.each([
    ['before the commit is on disk', 'dies-before', ['kept']],
    ['when it is', 'dies-after', ['dies-after', 'kept']],
  ])('ends the server where it dies within a commit, %s; the next start knows', async (_, type, kept) => {
    expect(await enqueue('kept')).toMatchObject({ status: 201 });
    expect(await enqueue(type)).toMatchObject({ status: 503, body: { error: 'commit_unknown' } });
    await until(() => !server.isRunning, 'the server has ended by itself');
    const { status, stderr } = await server.ended();
    expect([status, stderr]).toEqual([1, expect.stringMatching(/died within a commit.*start Omoi again/s)]);
    server = await OmoiServer.start(data.path);
    expect(await enqueued()).toEqual(kept);
    expect(await enqueue('later')).toMatchObject({ status: 201 });
  });

  it('is followed by another where it dies elsewhere: what it was asked is not done, and can be asked again', async () => {
    expect(await enqueue('kept')).toMatchObject({ status: 201 });
    expect(await enqueue('dies-in-statement')).toMatchObject({
      status: 503,
      body: { error: 'database_failed' },
    });
    expect(await enqueue('later')).toMatchObject({ status: 201 });
    expect(await enqueued()).toEqual(['kept', 'later']);
    expect(server.isRunning).toBe(true);
  });
});
