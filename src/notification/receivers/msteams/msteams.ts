import { z } from 'zod';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atLeastOne,
  atMostOne,
  checkedBy,
  filePath,
  secretUrl,
  sendResolved,
  text,
} from '../../configuration/setting-schemas.ts';
import type { ReceiverKind } from '../receiver-kind.ts';

const settings = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    webhook_url: secretUrl(),
    webhook_url_file: filePath(),
    title: text('{{ template "msteams.default.title" . }}'),
    summary: text('{{ template "msteams.default.summary" . }}'),
    text: text('{{ template "msteams.default.text" . }}'),
  })
  .superRefine(
    checkedBy((keys) => [
      ...atLeastOne(keys, 'webhook_url', 'webhook_url_file'),
      ...atMostOne(keys, 'webhook_url', 'webhook_url_file'),
    ]),
  );

/** `msteams_configs`: read and checked as Alertmanager does; not built, since Microsoft has retired these connectors. */
export const msteamsReceiver: ReceiverKind<z.output<typeof settings>> = {
  key: 'msteams_configs',
  type: 'msteams',
  addressKeys: ['webhook_url', 'webhook_url_file'],
  settings,
  complete: (keys, global) => ({
    settings: { ...keys, http_config: keys.http_config ?? global.http_config },
  }),
  templatedFields: (keys) =>
    (['title', 'summary', 'text'] as const).map((key) => ({ path: [key], text: keys[key] })),
};
