import { z } from 'zod';
import { httpConfig } from '../../configuration/http-config-schema.ts';
import { checkedBy, flag, secret, sendResolved, text, textMap } from '../../configuration/setting-schemas.ts';
import type { ReceiverKind } from '../receiver-kind.ts';

const sigv4Keys = z.strictObject({
  region: text(),
  access_key: text(),
  secret_key: secret(),
  profile: text(),
  role_arn: text(),
  external_id: text(),
  use_fips_sts_endpoint: flag(),
  service_name: text(),
});

const sigv4 = sigv4Keys
  .superRefine(
    checkedBy(({ access_key: access, secret_key: secretKey, external_id: external, role_arn: role }) => [
      ...((access === '') === (secretKey === null)
        ? []
        : [
            {
              path: [],
              message:
                'must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config',
            },
          ]),
      ...(external !== '' && role === ''
        ? [{ path: ['external_id'], message: 'external_id can only be used with role_arn' }]
        : []),
    ]),
  )
  .nullish();

const settings = z
  .strictObject({
    send_resolved: sendResolved(true),
    http_config: httpConfig(),
    api_url: text(),
    sigv4,
    topic_arn: text(),
    phone_number: text(),
    target_arn: text(),
    subject: text('{{ template "sns.default.subject" . }}'),
    message: text('{{ template "sns.default.message" . }}'),
    attributes: textMap(),
    use_aws_http_client: flag(),
  })
  .superRefine(
    checkedBy((keys) => {
      // Alertmanager takes all three, too: it compares them by twos.
      const given = [keys.target_arn, keys.topic_arn, keys.phone_number].filter((value) => value !== '');
      if (given.length % 2 === 1) return [];
      return [
        { path: [], message: 'must provide either a Target ARN, Topic ARN, or Phone Number for SNS config' },
      ];
    }),
  );

type SnsSettings = z.output<typeof settings>;

const TEMPLATED = ['api_url', 'topic_arn', 'phone_number', 'target_arn', 'subject', 'message'] as const;

/** `sns_configs`: read and checked as Alertmanager does; not built. */
export const snsReceiver: ReceiverKind<SnsSettings> = {
  key: 'sns_configs',
  type: 'sns',
  addressKeys: ['api_url', 'topic_arn', 'target_arn', 'phone_number'],
  settings,
  complete: (keys, global) => ({
    settings: { ...keys, http_config: keys.http_config ?? global.http_config },
  }),
  templatedFields: (keys) => [
    ...TEMPLATED.map((key) => ({ path: [key], text: keys[key] })),
    ...Object.entries(keys.attributes).map(([name, value]) => ({ path: ['attributes', name], text: value })),
  ],
};
