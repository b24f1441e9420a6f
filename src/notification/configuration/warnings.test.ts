import { describe, expect, it } from 'vitest';
import { read, withRoute } from './reading.test-support.ts';
import { maxNamedRules } from './warn-of-inhibition.ts';
import { maxNamedVariables } from './warn-of-variables.ts';

async function warningsOf(text: string): Promise<readonly string[]> {
  return (await read(text)).warnings;
}

describe('<secret> in the place of a secret', () => {
  it('is warned of, wherever a secret may stand', async () => {
    const text = withRoute(`    slack_configs: [{ channel: c, api_url: <secret> }]
    webhook_configs:
      - url: '<secret>'
        http_config: { basic_auth: { username: me, password: "<secret>" } }
      - url: https://hooks.example/<secret>
global:
  smtp_auth_password: <secret>
  smtp_from: <secret>
# <secret>
`);
    const warnings = await warningsOf(text);
    expect(warnings.map((line) => line.split(': ')[0])).toEqual([
      'am.yml:5:44',
      'am.yml:7:14',
      'am.yml:8:62',
      'am.yml:11:23',
    ]);
    for (const line of warnings) expect(line).toContain('write the secret, or a …_file');
  });

  it('so is what is shown, copied back', async () => {
    const { shown } = await read(withRoute('    webhook_configs: [{ url: https://x/hush }]\n'));
    expect(await warningsOf(shown)).toEqual([expect.stringMatching(/^am\.yml:5:30: the words <secret>/)]);
  });
});

describe('proxies that are not spoken to', () => {
  const TEXT = withRoute(`    webhook_configs:
      - url: https://hooks.example/a
        http_config: { proxy_url: 'socks5://me:hush@proxy:1080' }
      - url: https://hooks.example/b
        http_config: { oauth2: { client_id: c, client_secret: s, token_url: https://login.example, proxy_url: ftp://proxy } }
      - url: https://hooks.example/c
        http_config: { proxy_url: 'https://proxy:3128' }
global:
  http_config: { proxy_url: 'SOCKS5H://proxy:1080' }
`);

  it('are warned of with their place, and refused where one is strict', async () => {
    const { warnings, unsendable } = await read(TEXT);
    const why = 'and only http and https are spoken: every message by it fails; name an HTTP proxy';
    expect(warnings).toEqual([
      `am.yml:7:24: the proxy has the scheme socks5, ${why}`,
      `am.yml:9:100: the proxy has the scheme ftp, ${why}`,
      `am.yml:13:18: the proxy has the scheme socks5h, ${why}`,
    ]);
    expect(unsendable).toEqual(warnings);
  });

  const FROM_ENVIRONMENT = withRoute(`    webhook_configs:
      - url: https://hooks.example/a
        http_config: { proxy_from_environment: true }
      - url: https://hooks.example/b
        http_config: { proxy_from_environment: false }
global:
  http_config: { proxy_from_environment: yes }
`);

  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['a proxy that can be spoken to', { HTTPS_PROXY: 'http://proxy:3128', http_proxy: 'proxy:3128' }, []],
    ['none', { ALL_PROXY: 'socks5://proxy', NO_PROXY: '*' }, []],
    ['SOCKS', { HTTPS_PROXY: 'socks5://me:hush@proxy:1080' }, ['HTTPS_PROXY has the scheme socks5']],
    [
      'SOCKS in small letters, and no URL',
      { https_proxy: 'http://[', http_proxy: 'socks5h://p' },
      ['https_proxy has an address that is no URL', 'http_proxy has the scheme socks5h'],
    ],
  ])('of the environment: %s', async (_what, environment, expected) => {
    const { warnings, unsendable } = await read(FROM_ENVIRONMENT, { environment });
    const places = expected.length === 0 ? [] : ['am.yml:7:24', 'am.yml:11:18'];
    expect(warnings.map((line) => line.split(': ')[0])).toEqual(
      places.flatMap((one) => expected.map(() => one)),
    );
    for (const [at, line] of warnings.entries()) {
      expect(line).toContain(`the proxy of the environment variable ${expected[at % expected.length]}`);
      expect(line).not.toContain('hush');
    }
    expect(unsendable).toEqual(warnings);
  });
});

describe('an environment variable in the place of a value', () => {
  it('is warned of by its name, once, where it stands first', async () => {
    const warnings = await warningsOf(
      withRoute(`    email_configs:
      - { to: '\${MAIL_TO:-ops@example.org}', auth_password: 'x\${SMTP_PASSWORD}' }
      - { to: '\${MAIL_TO:-ops@example.org}' }
    webhook_configs: [{ url: 'https://hooks.example/\${TOPIC}' }]
global: { smtp_smarthost: 'mail:25', smtp_from: a@example.org }
`),
    );
    expect(warnings).toEqual([
      expect.stringMatching(/^am\.yml:6:11: \$\{MAIL_TO\} is taken as it stands: .*…_file$/),
      expect.stringMatching(/^am\.yml:6:\d+: \$\{SMTP_PASSWORD\} is/),
      expect.stringMatching(/^am\.yml:8:\d+: \$\{TOPIC\} is/),
    ]);
  });

  it('is none in a template, nor where only digits are named', async () => {
    const text = `    slack_configs:
      - { api_url: https://x, channel: c, title: '{{ reReplaceAll "(?P<a>.)" "\${a}" .Status }}', text: 'a \${1} $HOME' }
`;
    expect(await warningsOf(withRoute(text))).toEqual([]);
  });

  it('is named for so many names at most', async () => {
    const hooks = Array.from(
      { length: maxNamedVariables + 5 },
      (_, at) => `    - url: 'https://x/\${V${at}}'\n`,
    );
    const warnings = await warningsOf(withRoute(`    webhook_configs:\n${hooks.join('')}`));
    expect(warnings).toHaveLength(maxNamedVariables + 1);
    expect(warnings.at(-1)).toContain('further environment variables are not filled in either');
  });
});

describe('routes that never match', () => {
  const tree = (routes: string): string =>
    `route:\n  receiver: team\n  routes:\n${routes}receivers: [{ name: team }]\n`;

  it.each([
    ['none', '    - matchers: [a="1"]\n    - matchers: [a="2"]\n    - matchers: [b="1"]\n', []],
    [
      'a contradiction in itself',
      '    - matchers: [a="1", a!="1"]\n',
      [/^am\.yml:4:7: this route never matches: .* no value of "a" is left: \{a="1",a!="1"\}/],
    ],
    [
      'one with what stands above, told once',
      '    - matchers: [a="1"]\n      routes:\n        - matchers: [a="2"]\n          routes: [{ matchers: [b="1"] }]\n',
      [/^am\.yml:6:11: this route never matches/],
    ],
    [
      'what an earlier one takes',
      '    - matchers: [a="1"]\n    - matchers: [a="1", b="2"]\n',
      [
        /^am\.yml:5:7: .* an earlier one takes \{a="1"\}, which is all that \{a="1",b="2"\} accepts; write it before/,
      ],
    ],
    [
      'what comes after one that takes all',
      '    - group_wait: 1s\n    - matchers: [a="1"]\n',
      [/takes all alerts/],
    ],
    [
      'not where that one continues',
      '    - matchers: [a="1"]\n      continue: true\n    - matchers: [a="1", b="2"]\n',
      [],
    ],
    [
      'not where only its children accept less',
      '    - matchers: [a=~"1|2"]\n      routes: [{ matchers: [a="1"] }]\n    - matchers: [a="3"]\n',
      [],
    ],
    [
      'where what stands above implies it',
      '    - matchers: [a="1"]\n      routes:\n        - matchers: [a=~"1|2"]\n        - matchers: [b="1"]\n',
      [/^am\.yml:7:11: this route never matches/],
    ],
    ['by the old keys', '    - match: { a: "1" }\n    - match_re: { a: "1" }\n', [/^am\.yml:5:7: /]],
  ])('%s', async (_, routes, expected) => {
    const warnings = await warningsOf(tree(routes));
    expect(warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  it('are found in a large tree', async () => {
    const routes = Array.from({ length: 300 }, (_, at) => `{matchers: [a=~"x.*", b="${at}"]}`);
    const text = tree('').replace('routes:', `routes: [${routes.join(',')},{matchers: [a=~"x.*", b="7"]}]`);
    expect(await warningsOf(text)).toEqual([expect.stringContaining('takes {a=~"x.*",b="7"}')]);
  });
});

describe('inhibit rules', () => {
  const rules = (...items: readonly string[]): string =>
    withRoute(`inhibit_rules:\n${items.map((item) => `  - ${item}\n`).join('')}`);
  const rule = (source: string, target: string): string =>
    `{ source_matchers: [${source}], target_matchers: [${target}], equal: [host] }`;

  it.each([
    ['none', [rule('s="c"', 's=~"w|i"'), rule('s="w"', 's="i"')], []],
    ['what inhibits is part of what is inhibited', [rule('s="c"', 's=~"c|w"')], []],
    ['what is inhibited is part of what inhibits', [rule('s=~"c|w"', 's="w"')], []],
    [
      'two that inhibit each other',
      [rule('s="c"', 's="w"'), rule('a="x"', 'a="y"'), rule('s="w"', 's="c"')],
      [/^am\.yml:6:5: this rule and inhibit_rules\[2\] inhibit in a circle: .* nobody is told of any$/],
    ],
    [
      'three, by name',
      [
        rule('s="a"', 's="b"'),
        `{ name: second, source_matchers: [s="b"], target_matchers: [s="c"] }`,
        rule('s=~"c|d"', 's="a"'),
      ],
      [/this rule and "second", inhibit_rules\[2\] inhibit in a circle/],
    ],
    [
      'one that inhibits what inhibits',
      [rule('s="c"', 's="c"')],
      [/^am\.yml:6:5: this rule inhibits nothing: what inhibits is what is inhibited/],
    ],
    ['that, in other words', [rule('s=~"c|w"', 's=~"w|c"')], [/what inhibits is what is inhibited/]],
    [
      'one that nothing matches',
      [rule('s="c", s="w"', 's="i"')],
      [/inhibits nothing: no value of "s" is left/],
    ],
  ])('%s', async (_, items, expected) => {
    const warnings = await warningsOf(rules(...items));
    expect(warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  it.each([
    [maxNamedRules, ' inhibit in'],
    [maxNamedRules + 1, ' and 1 more inhibit in'],
  ])(`in a circle with %i others, of which ${maxNamedRules} are named`, async (others, end) => {
    const count = others + 1;
    const circle = Array.from({ length: count }, (_, at) => rule(`s="${at}"`, `s="${(at + 1) % count}"`));
    const named = Array.from({ length: maxNamedRules }, (_, at) => `inhibit_rules[${at + 1}]`).join(', ');
    expect(await warningsOf(rules(...circle))).toEqual([expect.stringContaining(`${named}${end}`)]);
  });

  it('in a long chain', async () => {
    const chain = Array.from({ length: 100 }, (_, at) => rule(`s="${at}"`, `s="${(at + 1) % 100}"`));
    const [warning, ...others] = await warningsOf(rules(...chain));
    expect(others).toEqual([]);
    expect(warning).toMatch(
      /this rule and inhibit_rules\[1\], .*inhibit_rules\[5\] and 94 more inhibit in a circle/,
    );
  });
});
