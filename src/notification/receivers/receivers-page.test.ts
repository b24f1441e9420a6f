import { createSeededRandom, createSystemClock, SharedStretch, unpaced } from '#telemetry';
import { describe, expect, it } from 'vitest';

import { BLOCKS } from '../../documentation.test-support.ts';
import { read } from '../configuration/reading.test-support.ts';
import { createMessageTemplates } from '../templates/create-message-templates.ts';
import { pacedTemplates } from '../templates/message-templates.ts';
import { exampleMessage } from './message.test-support.ts';
import { createCheckedNetwork } from './http/checked-lookup.ts';
import { loopbackClient } from './receiver-conformance.test-support.ts';

const blocks = BLOCKS.filter(
  ({ page, language }) => page === 'docs/alerting/receivers.md' && language === 'yaml',
);

describe('the configurations in docs/alerting/receivers.md', () => {
  it('are there', () => {
    expect(blocks.length).toBe(10);
  });

  it.each(blocks)('$line', async ({ text }) => {
    const configuration = await read(text);
    const templates = createMessageTemplates({ files: [] });
    const clock = createSystemClock();
    const writing = new SharedStretch(clock);
    const http = loopbackClient();
    const integrations = [...configuration.receivers.values()].flatMap((receiver) => receiver.integrations);
    expect(integrations.length).toBeGreaterThan(0);
    for (const { kind, index, settings } of integrations) {
      const tools = {
        clock,
        random: createSeededRandom(1),
        templates: pacedTemplates(templates, writing),
        writing,
        http,
        network: createCheckedNetwork([]),
        readSecret: () => Promise.resolve('https://example.com/secret'),
      };
      expect(kind.create?.(settings, index, tools).type).toBe(kind.type);
      for (const field of kind.templatedFields(settings)) {
        expect(templates.problemOf(field.text)).toBe(null);
        unpaced(templates.expand(field.text, exampleMessage(), 'text'));
      }
    }
    http.close();
  });
});
