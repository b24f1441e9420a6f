import { describe, expect, it } from 'vitest';
import { ApiClient, ApiError } from './client.ts';

interface Sent {
  readonly path: string;
  readonly method: string | undefined;
  readonly csrf: string | null;
}

/** A server that gives the answers one after the other, and what it was asked. */
function play(...answers: readonly (Response | Error)[]) {
  const sent: Sent[] = [];
  const contact: string[] = [];
  const left = [...answers];
  const client = new ApiClient(
    (input, init) => {
      const { method, headers } = init ?? {};
      sent.push({
        path: typeof input === 'string' ? input : '',
        method,
        csrf: new Headers(headers).get('x-omoi-csrf'),
      });
      const answer = left.shift();
      if (!answer) throw new Error('nothing more was to be asked');
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    { heard: () => contact.push('heard'), missed: () => contact.push('missed') },
  );
  return { client, sent, contact };
}

const json = (status: number, body: unknown): Response => Response.json(body, { status });
const session = {
  principal: { kind: 'session', id: 't', name: 'ada', role: 'viewer', scope: null },
  csrf_token: 'c',
};

describe('ApiClient', () => {
  it('sends the CSRF token of its session with changes alone', async () => {
    const { client, sent } = play(json(200, session), json(200, {}), json(200, {}));
    await client.readSession();
    await client.get('/a');
    await client.post('/b', {});
    expect(sent.map(({ path, method, csrf }) => [path, method, csrf])).toEqual([
      ['/api/v1/session', 'GET', null],
      ['/a', 'GET', null],
      ['/b', 'POST', 'c'],
    ]);
  });

  it('tells nobody logged in from a server that fails', async () => {
    const { client } = play(json(401, { error: 'unauthenticated', message: 'log in' }), json(500, {}));
    expect(await client.readSession()).toBeNull();
    await expect(client.readSession()).rejects.toThrow('the server answered 500');
  });

  it.each([
    {
      case: 'an error of the catalogue',
      answer: json(404, {
        error: 'unknown_alert',
        message: 'there is no such alert',
        docs: '/docs/errors#unknown_alert',
      }),
      code: 'unknown_alert',
      message: 'there is no such alert',
      docs: '/docs/errors#unknown_alert',
    },
    {
      case: 'an explanation that is not this server’s',
      answer: json(503, { error: 'down', message: 'come back', docs: 'https://elsewhere.example/docs/' }),
      code: 'down',
      message: 'come back',
    },
    {
      case: 'an error as Prometheus says it',
      answer: json(400, {
        status: 'error',
        errorType: 'bad_data',
        error: 'parse error',
        docs: '/docs/errors#invalid_request',
      }),
      code: 'bad_data',
      message: 'parse error',
      docs: '/docs/errors#invalid_request',
    },
    {
      case: 'an answer that is no JSON',
      answer: new Response('<html>', { status: 502 }),
      code: 'network_error',
      message: 'the server answered 502 without saying why',
    },
    {
      case: 'no answer',
      answer: new TypeError('fetch failed'),
      code: 'network_error',
      message: 'the server cannot be reached',
    },
  ])('reads $case', async ({ answer, code, message, docs = null }) => {
    const { client } = play(answer);
    const thrown: unknown = await client.get('/x').catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({ code, message, docs });
  });

  it.each([
    { case: 'an answer', answer: json(200, {}), told: 'heard' },
    { case: 'nothing to say', answer: new Response(null, { status: 204 }), told: 'heard' },
    { case: 'an error of the server', answer: json(503, { error: 'busy', message: 'later' }), told: 'heard' },
    { case: 'a proxy’s page', answer: new Response('<html>', { status: 502 }), told: 'missed' },
    { case: 'no answer', answer: new TypeError('fetch failed'), told: 'missed' },
  ])('tells of $case that the server was $told', async ({ answer, told }) => {
    const { client, contact } = play(answer);
    await client.get('/x').catch(() => null);
    expect(contact).toEqual([told]);
  });

  it.each([
    { case: 'took too long', ended: () => AbortSignal.timeout(1), told: ['missed'] },
    { case: 'was given up', ended: () => AbortSignal.abort(), told: [] },
  ])('tells of a request that $case: $told', async ({ ended, told }) => {
    const contact: string[] = [];
    const client = new ApiClient(
      (_input, init) =>
        new Promise((_resolve, reject) => {
          const { signal } = init ?? {};
          if (signal?.aborted) reject(new TypeError('aborted'));
          signal?.addEventListener('abort', () => reject(new TypeError('aborted')));
        }),
      { heard: () => contact.push('heard'), missed: () => contact.push('missed') },
    );
    await expect(client.get('/x', ended())).rejects.toThrow('the server cannot be reached');
    expect(contact).toEqual(told);
  });

  it('follows the server’s clock where the browser’s is wrong', async () => {
    const served = new Date(Date.now() + 3_600_000).toUTCString();
    const { client } = play(Response.json({}, { headers: { date: served } }));
    await client.get('/x');
    expect(Math.abs(client.nowMs() - Date.parse(served))).toBeLessThan(2_000);
  });
});
