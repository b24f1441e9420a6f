import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.test-support.ts';

const directory = mkdtempSync(join(tmpdir(), 'omoi-docs-'));
let api: TestApi;
let bare: TestApi;

const EVENTS = `before
# Events <of> \`us\` & "you"

What happens → [is told](monitoring/otlp.md#where), <script>alert(1)</script> [x](javascript:alert).
[Out](https://example.com/a?b&c), [up](../secret.md), [gone](none.md), [here](#two).

## One
## Two
## Two
`;

beforeAll(async () => {
  mkdirSync(join(directory, 'docs/monitoring'), { recursive: true });
  writeFileSync(join(directory, 'docs/events.md'), EVENTS);
  writeFileSync(join(directory, 'docs/monitoring/otlp.md'), 'no heading, but [a way](../events.md) back\n');
  writeFileSync(join(directory, 'docs/monitoring/gone.md'), '# Gone\n');
  mkdirSync(join(directory, 'docs/runbooks'));
  writeFileSync(
    join(directory, 'docs/runbooks/AgentFailed.md'),
    '# AgentFailed\n\nLook at [events](../events.md).\n',
  );
  writeFileSync(join(directory, 'docs/picture.png'), 'x');
  writeFileSync(join(directory, 'secret.md'), 'a secret');
  api = await withDocs('docs');
  bare = await withDocs('nowhere');
  rmSync(join(directory, 'docs/monitoring/gone.md'));
});
afterAll(async () => {
  await Promise.all([api.close(), bare.close()]);
  rmSync(directory, { recursive: true });
});

const withDocs = (folder: string): Promise<TestApi> =>
  startTestApi({
    parts: {
      options: {
        version: '0',
        allowedHosts: [],
        dashboardDirectory: null,
        docsDirectory: join(directory, folder),
      },
    },
  });

const get = (of: TestApi, url: string, accept = '*/*') =>
  of.app.inject({ url, headers: { host: 'localhost', accept } });

const linksIn = (html: string): readonly string[] =>
  [...html.matchAll(/<a [^>]*?href="([^"]+)"/g)].map(([, href = '']) => href);
const contentOf = (html: string): string => html.slice(html.indexOf('<main id="content">'));

const PAGE = 'text/html; charset=utf-8';

describe('/docs', () => {
  it('lists what there is to be read, and each link leads to it', async () => {
    const { statusCode, headers, body } = await get(api, '/docs');
    expect([statusCode, headers['content-type']]).toEqual([200, PAGE]);
    expect(body).toContain(
      '<a href="/docs/events">Events &lt;of&gt; <code>us</code> &amp; &quot;you&quot;</a>',
    );
    expect(body).toContain('<a href="/docs/monitoring/otlp">monitoring/otlp</a>');
    const links = linksIn(contentOf(body));
    expect(links.filter((link) => !link.startsWith('#'))).toEqual([
      '/docs/monitoring/otlp',
      '/docs/errors',
      '/docs/events',
      '/docs/runbooks/AgentFailed',
      '/docs/monitoring/gone',
      '/openapi.json',
      '/metrics',
    ]);
    // Who may read the numbers is a question of its own.
    for (const link of links.filter((one) => !/^#|metrics|gone/.test(one))) {
      expect([link, (await get(api, link)).statusCode]).toEqual([link, 200]);
    }
  });

  it('lists it for programs as Markdown whose links lead to Markdown', async () => {
    const { headers, body } = await get(api, '/docs', 'text/markdown');
    expect(headers['content-type']).toBe('text/markdown; charset=utf-8');
    expect(body).toMatch(/^# Documentation\n/);
    const targets = [...body.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    expect(targets).toContain('/docs/monitoring/otlp.md');
    expect((await get(api, '/docs/monitoring/otlp.md')).body).toMatch(/^no heading/);
  });

  it('without the files lists what the server makes itself', async () => {
    const { body } = await get(bare, '/docs');
    expect(linksIn(contentOf(body)).filter((link) => !link.startsWith('#'))).toEqual([
      '/docs/errors',
      '/openapi.json',
      '/metrics',
    ]);
    expect((await get(bare, '/docs/events')).statusCode).toBe(404);
    expect((await get(bare, '/docs/errors')).body).toContain('<h2 id="unknown_agent">');
    expect((await get(bare, '/docs/errors.md')).body).toContain('\n## unknown_agent\n');
  });
});

describe('/runbooks/NAME', () => {
  it('is the page of the runbook, whose links lead on', async () => {
    const { statusCode, headers, body } = await get(api, '/runbooks/AgentFailed', 'text/html');
    expect([statusCode, headers['content-type']]).toEqual([200, PAGE]);
    expect(linksIn(contentOf(body))).toEqual(['/docs/events', '/docs/runbooks/AgentFailed.md']);
    expect((await get(api, '/runbooks/AgentFailed', 'text/markdown')).body).toMatch(/^# AgentFailed\n/);
  });

  it('of a rule without one says so', async () => {
    const page = await get(api, '/runbooks/%3Cb%3E', 'text/html');
    expect([page.statusCode, page.body.includes('<code>/runbooks/&lt;b&gt;</code>')]).toEqual([404, true]);
    expect((await get(api, '/runbooks/..%2Fevents')).statusCode).toBe(404);
  });
});

describe('a page of /docs', () => {
  it('is HTML for people, with anchors, in which nothing but marks of Markdown is a mark', async () => {
    const { headers, body } = await get(api, '/docs/events', 'text/html,*/*;q=0.8');
    expect([headers['content-type'], headers['vary']]).toEqual([PAGE, 'accept']);
    expect(body).toContain('<title>Events &lt;of&gt; us &amp; &quot;you&quot; · Omoi</title>');
    for (const anchor of ['one', 'two', 'two-1']) expect(body).toContain(`<h2 id="${anchor}">`);
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt; x.');
    expect(body).not.toMatch(/<script|javascript:alert/);
  });

  it('leads to other pages in their places, and to no file that is not served', async () => {
    const links = linksIn(contentOf((await get(api, '/docs/events')).body));
    expect(links.filter((link) => !link.startsWith('#'))).toEqual([
      '/docs/monitoring/otlp#where',
      'https://example.com/a?b&amp;c',
      '/docs/events.md',
    ]);
    expect(links).toContain('#two');
    const back = contentOf((await get(api, '/docs/monitoring/otlp')).body);
    expect(linksIn(back)).toEqual(['/docs/events', '/docs/monitoring/otlp.md']);
  });

  it('shows where one is among the others', async () => {
    const { body } = await get(api, '/docs/monitoring/otlp');
    expect(body.match(/aria-current="page"/g)).toHaveLength(1);
    expect(body).toContain('<a href="/docs/monitoring/otlp" aria-current="page">');
    for (const link of linksIn(body.split('<main')[0] ?? '').filter((one) => /docs\/[a-fh-z]/.test(one)))
      expect((await get(api, link)).statusCode).toBe(link.endsWith('/gone') ? 404 : 200);
  });

  it('loads and runs nothing', async () => {
    const { headers, body } = await get(api, '/docs/events');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
    expect(body).not.toMatch(/ style=| on\w+=|<script|<iframe/);
  });

  it.each([
    { url: '/docs/events.md', accept: '*/*', type: 'text/plain; charset=utf-8' },
    { url: '/docs/events.md', accept: 'text/html', type: 'text/plain; charset=utf-8' },
    { url: '/docs/events.md', accept: 'text/markdown', type: 'text/markdown; charset=utf-8' },
    { url: '/docs/events', accept: 'text/markdown', type: 'text/markdown; charset=utf-8' },
  ])('is as it is written at $url for $accept', async ({ url, accept, type }) => {
    const { headers, body } = await get(api, url, accept);
    expect([headers['content-type'], body]).toEqual([type, EVENTS]);
  });

  it('is rendered anew when its file has changed', async () => {
    const file = join(directory, 'docs/monitoring/otlp.md');
    await get(api, '/docs/monitoring/otlp');
    writeFileSync(file, 'no heading, but news of [a way](../events.md)\n');
    expect((await get(api, '/docs/monitoring/otlp')).body).toContain('but news of');
    writeFileSync(file, 'no heading, but [a way](../events.md) back\n');
  });

  it.each([
    '/docs/',
    '/docs/none',
    '/docs/none.md',
    '/docs/picture.png',
    '/docs/..%2fsecret.md',
    '/docs/monitoring',
    '/docs/monitoring/gone',
  ])('has nothing at %s but where to look', async (url) => {
    const answer = await get(api, url);
    expect([answer.statusCode, answer.json<{ error: string }>().error]).toEqual([404, 'not_found']);
  });

  it('that is not there is told to people in a page, and what they asked for is text in it', async () => {
    const { statusCode, headers, body } = await get(api, '/docs/%3Cimg%20src=x%3E%22`x`', 'text/html');
    expect([statusCode, headers['content-type']]).toEqual([404, PAGE]);
    expect(body).toContain('There is no page <code>/docs/&lt;img src=x&gt;&quot;`x`</code> here.');
    expect(body).toContain('<a href="/docs">The documentation</a> lists');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; /);
  });
});
