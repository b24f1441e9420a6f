import { z } from 'zod';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { withSlashAtEnd } from '../../configuration/go-url.ts';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import {
  atMostOne,
  checkedBy,
  filePath,
  secret,
  sendResolved,
  text,
  url,
} from '../../configuration/setting-schemas.ts';
import type { ReceiverKind, SettingsProblem } from '../receiver-kind.ts';

const MESSAGE_TYPES = ['text', 'markdown'];

const settings = z
  .strictObject({
    send_resolved: sendResolved(false),
    http_config: httpConfig(),
    api_secret: secret(),
    api_secret_file: filePath(),
    corp_id: text(),
    message: text('{{ template "wechat.default.message" . }}'),
    api_url: url(),
    to_user: text('{{ template "wechat.default.to_user" . }}'),
    to_party: text('{{ template "wechat.default.to_party" . }}'),
    to_tag: text('{{ template "wechat.default.to_tag" . }}'),
    agent_id: text('{{ template "wechat.default.agent_id" . }}'),
    message_type: text().transform((type) => type || 'text'),
  })
  .superRefine(
    checkedBy((keys) => [
      ...atMostOne(keys, 'api_secret', 'api_secret_file'),
      ...(MESSAGE_TYPES.includes(keys.message_type)
        ? []
        : [
            {
              path: ['message_type'],
              message: `weChat message type "${keys.message_type}" is none of ${MESSAGE_TYPES.join(', ')}`,
            },
          ]),
    ]),
  );

type WechatSettings = z.output<typeof settings>;

/** `wechat_configs`: read and checked as Alertmanager does; not built. */
export const wechatReceiver: ReceiverKind<WechatSettings> = {
  key: 'wechat_configs',
  type: 'wechat',
  addressKeys: ['api_url', 'corp_id', 'agent_id', 'to_user', 'to_party', 'to_tag'],
  settings,
  complete,
  templatedFields: (keys) =>
    (['message', 'to_user', 'to_party', 'to_tag', 'agent_id'] as const).map((key) => ({
      path: [key],
      text: keys[key],
    })),
};

function complete(
  keys: WechatSettings,
  global: GlobalSettings,
): ReturnType<ReceiverKind<WechatSettings>['complete']> {
  const hasSecret = keys.api_secret !== null || keys.api_secret_file !== null;
  const completed: WechatSettings = {
    ...keys,
    http_config: keys.http_config ?? global.http_config,
    api_url: withSlashAtEnd(keys.api_url ?? global.wechat_api_url),
    api_secret: hasSecret ? keys.api_secret : global.wechat_api_secret,
    api_secret_file: hasSecret ? keys.api_secret_file : global.wechat_api_secret_file,
    corp_id: keys.corp_id || global.wechat_api_corp_id,
  };
  const problems: SettingsProblem[] = [];
  if (completed.api_secret === null && completed.api_secret_file === null) {
    problems.push({ path: [], message: 'no global Wechat Api Secret set either inline or in a file' });
  }
  if (completed.corp_id === '') problems.push({ path: [], message: 'no global Wechat CorpID set' });
  return problems.length > 0 ? { problems } : { settings: completed };
}
