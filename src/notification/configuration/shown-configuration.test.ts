import { expect, it } from 'vitest';
import { read, withRoute } from './reading.test-support.ts';

async function shown(part: string): Promise<string> {
  const text = withRoute(part);
  const { shown: result } = await read(text);
  expect(result.startsWith(withRoute(''))).toBe(true);
  return result.slice(withRoute('').length);
}

it.each([
  [
    'a secret without quotes',
    'global: { opsgenie_api_key: hush-hush }\n',
    'global: { opsgenie_api_key: <secret> }\n',
  ],
  [
    'one in quotes',
    `global:\n  smtp_auth_password: 'it''s hush' # theirs\n`,
    'global:\n  smtp_auth_password: <secret> # theirs\n',
  ],
  [
    'one in a block',
    'global:\n  http_config:\n    tls_config:\n      cert: c\n      key: |\n        BEGIN KEY\n        xyz\n  smtp_from: a\n',
    'global:\n  http_config:\n    tls_config:\n      cert: c\n      key: <secret>\n  smtp_from: a\n',
  ],
  [
    'an address that is one',
    'global:\n  slack_api_url: https://hooks.example/T0/B0/xyz\n',
    'global:\n  slack_api_url: <secret>\n',
  ],
  [
    'those of http_config',
    'global: { http_config: { authorization: { credentials: abcdef }, http_headers: { X-A: { values: [plain], secrets: [ghijkl, mnopqr] } } } }\n',
    'global: { http_config: { authorization: { credentials: <secret> }, http_headers: { X-A: { values: [plain], secrets: [<secret>, <secret>] } } } }\n',
  ],
  [
    'a template of an address',
    `    webhook_configs: [{ url: 'https://x/{{ .GroupLabels.team }}/hush' }]\n`,
    '    webhook_configs: [{ url: https://<secret> }]\n',
  ],
  [
    'an address of a webhook, of which the scheme is shown',
    `    webhook_configs:\n      - url: http://x/hush\n      - url: "https://x/hush"\n      - url: '{{ .GroupLabels.address }}'\n      - url: <secret>\n`,
    '    webhook_configs:\n      - url: http://<secret>\n      - url: https://<secret>\n      - url: https://<secret>\n      - url: https://<secret>\n',
  ],
  [
    'one that is repeated elsewhere',
    '# was hush-hush before\nglobal: { opsgenie_api_key: hush-hush }\n',
    '# was <secret> before\nglobal: { opsgenie_api_key: <secret> }\n',
  ],
  [
    'one that stands at an anchor',
    'global: { opsgenie_api_key: &key hush-hush, victorops_api_key: *key }\n',
    'global: { opsgenie_api_key: &key <secret>, victorops_api_key: *key }\n',
  ],
  [
    'one that is merged',
    `    webhook_configs:\n      - &base { url: 'https://x/hush' }\n      - { <<: *base, max_alerts: 5 }\n`,
    `    webhook_configs:\n      - &base { url: https://<secret> }\n      - { <<: *base, max_alerts: 5 }\n`,
  ],
  [
    'a password in an address',
    'global: { http_config: { proxy_url: "http://me:hush@proxy:3128" } }\n',
    'global: { http_config: { proxy_url: "http://me:xxxxx@proxy:3128" } }\n',
  ],
  [
    'what is empty, hidden already, or the path of a file',
    `global: { opsgenie_api_key: '', slack_api_url: <secret>, telegram_bot_token_file: /run/hush }\n`,
    `global: { opsgenie_api_key: '', slack_api_url: <secret>, telegram_bot_token_file: /run/hush }\n`,
  ],
  [
    'what Omoi adds, left out, also where it is repeated',
    '# was hush-hush\nx-omoi: { dead_mans_switch: { url: https://hc.example/hush-hush } } # https://hc.example/hush-hush\n# https://hc.example/hush-hush\n',
    '# was hush-hush\n# <secret>\n',
  ],
])('%s', async (_what, part, expected) => {
  expect(await shown(part)).toBe(expected);
});

it('what is shown can be read again', async () => {
  const text = withRoute(
    `    slack_configs: [{ channel: c }]\n    webhook_configs: [{ url: https://x/hush }]\nglobal: { slack_api_url: https://x/hush }\n`,
  );
  const { shown: first } = await read(text);
  expect((await read(first)).shown).toBe(first);
});
