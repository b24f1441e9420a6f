import { describe, expect, it } from 'vitest';

import { DEFAULT_HTTP_SETTINGS } from '../../configuration/http-config-schema.ts';
import { exampleGlobal } from '../message.test-support.ts';
import { slackReceiver } from './slack-receiver.ts';
import { completeSlack, slackSettingsSchema } from './slack-settings.ts';

const HOOK = 'https://hooks.slack.com/services/T/B/x';
const API = 'https://slack.com/api/chat.postMessage';

describe('settings', () => {
  it('have the defaults of Alertmanager', () => {
    expect(slackSettingsSchema.parse({})).toMatchObject({
      send_resolved: false,
      title: '{{ template "slack.default.title" . }}',
      fallback: '{{ template "slack.default.fallback" . }}',
      callback_id: '{{ template "slack.default.callbackid" . }}',
      message_text: '',
      update_message: null,
      short_fields: false,
    });
  });

  it.each([
    [{ api_url: HOOK, api_url_file: '/f' }, 'at most one of api_url & api_url_file must be configured'],
    [
      { app_token: 'a', app_token_file: '/f' },
      'at most one of app_token & app_token_file must be configured',
    ],
    [
      { api_url: HOOK, app_token: 'a' },
      'at most one of api_url/api_url_file & app_token/app_token_file must be configured',
    ],
    [{ fields: [{ title: 'a' }] }, 'missing value in Slack field configuration'],
    [{ fields: [{ value: 'a' }] }, 'missing title in Slack field configuration'],
    [{ actions: [{ type: 'button', url: 'x' }] }, 'missing text in Slack action configuration'],
    [{ actions: [{ text: 'a', url: 'x' }] }, 'missing type in Slack action configuration'],
    [{ actions: [{ type: 'button', text: 'a' }] }, 'missing name or url in Slack action configuration'],
    [
      { actions: [{ type: 'button', text: 'a', name: 'x', confirm: { title: 'sure' } }] },
      'missing text in Slack confirmation configuration',
    ],
    [{ chanel: '#a' }, 'Unrecognized key: "chanel"'],
  ])('%j: %s', (written, message) => {
    const { error } = slackSettingsSchema.safeParse(written);
    expect(error?.issues.map((issue) => issue.message)).toContain(message);
  });

  it('name every template with its place', () => {
    const settings = slackSettingsSchema.parse({
      fields: [{ title: 'T', value: 'V' }],
      actions: [{ type: 'button', text: 'X', name: 'N', confirm: { text: 'Sure?' } }],
    });
    const paths = slackReceiver.templatedFields(settings).map(({ path }) => path.join('.'));
    expect(paths).toEqual(
      expect.arrayContaining([
        'channel',
        'thumb_url',
        'fields.0.value',
        'actions.0.text',
        'actions.0.confirm.text',
      ]),
    );
  });
});

describe('the global block', () => {
  const complete = (written: object, global: Parameters<typeof exampleGlobal>[0] = {}) =>
    completeSlack(slackSettingsSchema.parse(written), exampleGlobal(global));
  const bearer = (credentials: object) => ({
    ...DEFAULT_HTTP_SETTINGS,
    authorization: { type: 'Bearer', ...credentials },
  });

  it.each([
    ['its webhook', {}, { slack_api_url: HOOK }, { api_url: HOOK, app_token: null }],
    ['its file', {}, { slack_api_url_file: '/f' }, { api_url: null, api_url_file: '/f' }],
    ['its token', {}, { slack_app_token: 'a' }, { api_url: API, http_config: bearer({ credentials: 'a' }) }],
    [
      'the file of its token',
      {},
      { slack_app_token_file: '/f' },
      { api_url: API, http_config: bearer({ credentials_file: '/f' }) },
    ],
    [
      'another address for a token',
      { app_token: 'b', app_url: 'https://slack.example/api/chat.postMessage' },
      { slack_app_token: 'a' },
      { api_url: 'https://slack.example/api/chat.postMessage', http_config: bearer({ credentials: 'b' }) },
    ],
    [
      'nothing where there is an address',
      { api_url: HOOK },
      { slack_app_token: 'a' },
      { api_url: HOOK, app_token: null },
    ],
  ])('gives %s', (_, written, global, expected) => {
    expect(complete(written, global)).toMatchObject({ settings: expected });
  });

  it.each([
    [{}, {}, 'no Slack API URL nor App token set either inline or in a file'],
    [
      { app_token: 'a', http_config: { authorization: { credentials: 'b' } } },
      {},
      "http authorization can't be set when using Slack App tokens",
    ],
    [{ api_url: HOOK, update_message: true }, {}, /^update_message can only be used with bot tokens/],
  ])('%j with %j is a mistake', (written, global, message) => {
    const completed = complete(written, global);
    const messages = 'problems' in completed ? completed.problems.map((problem) => problem.message) : [];
    expect(messages).toEqual([expect.stringMatching(message)]);
  });
});
