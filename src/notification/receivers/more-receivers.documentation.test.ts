import { describe, expect, it } from 'vitest';
import { unpaced } from '#telemetry';
import { BLOCKS, readPage } from '../../documentation.test-support.ts';
import { problemsIn, read } from '../configuration/reading.test-support.ts';
import { exampleMessage, resolvedMessage } from './message.test-support.ts';
import { RECEIVER_KINDS } from './receiver-kinds.ts';

const PAGE = 'docs/alerting/receivers-more.md';
const CONFIGURATIONS = BLOCKS.filter(({ page, language }) => page === PAGE && language === 'yaml');

describe('docs/alerting/receivers-more.md', () => {
  it.each(CONFIGURATIONS.map(({ line, text }) => [line, text] as const))(
    'has a configuration in line %i that is read, and templates that make texts',
    async (_, text) => {
      expect(await problemsIn(text)).toEqual([]);
      const { receivers, templates } = await read(text);
      const integrations = [...receivers.values()].flatMap((receiver) => receiver.integrations);
      expect(integrations).toHaveLength(1);
      for (const { kind, settings } of integrations) {
        for (const { text: template, isHtml } of kind.templatedFields(settings)) {
          for (const message of [exampleMessage(), resolvedMessage()]) {
            const form = isHtml === true ? 'html' : 'text';
            expect(() => unpaced(templates.expand(template, message, form))).not.toThrow();
          }
        }
      }
    },
  );

  it('has a row for each kind that it tells of, with the default of send_resolved', async () => {
    const page = readPage(PAGE);
    for (const { text } of CONFIGURATIONS) {
      const [, key = ''] = /^ +(\w+_configs):$/m.exec(text) ?? [];
      const kind = RECEIVER_KINDS.find((each) => each.key === key);
      expect(kind, key).toBeDefined();
      const [, sent] = new RegExp(`^\\| \`${key}\` \\|[^|]*\\| (yes|no) \\|`, 'm').exec(page) ?? [];
      const { receivers } = await read(text.replace(/^ *send_resolved: .*\n/m, ''));
      const [integration] = [...receivers.values()].flatMap((receiver) => receiver.integrations);
      expect(integration?.settings, key).toHaveProperty('send_resolved', sent === 'yes');
    }
    expect(CONFIGURATIONS).toHaveLength(11);
  });
});
