/** Ways to write a value that Go's YAML and a file of JSON take differently. */
const SCALARS = [
  'yes',
  'No',
  'ON',
  'y',
  'true',
  "'true'",
  'True',
  'tRue',
  '1',
  '0',
  '-1',
  '+1',
  '007',
  '0x1F',
  '0b11',
  '1_000',
  '1.5',
  '1e3',
  '.inf',
  '~',
  'null',
  'Null',
  "'null'",
  "''",
  '""',
  '[]',
  '[a]',
  '[[a]]',
  '{}',
  '{ a: b }',
  'a',
  'a b',
  "'a=b'",
  'a=b',
  "'{a=b}'",
  '\'a="b"\'',
  'a',
  '0s',
  '5m',
  '1h30m',
  '1.5h',
  '30m1h',
  '1d',
  '-5m',
  '5',
  'http://example.org',
  'https://user:pass@example.org:8443/x?y=z#f',
  'http://exa%20mple.org',
  'ftp://example.org',
  'http://',
  "'http://a b/'",
  'example.org:25',
  'example.org:',
  "':25'",
  "'[::1]:25'",
  'example.org',
  'monday',
  "'monday:friday'",
  'Friday',
  "'friday:monday'",
  "'1:5'",
  "'-1'",
  "'-5:-1'",
  "'-1:5'",
  "'31'",
  "'32'",
  "'20:-20'",
  "'may:august'",
  "'2020:2030'",
  "'2030:2020'",
  'Europe/Berlin',
  'UTC',
  'Local',
  'Nowhere/City',
  "'.*'",
  "'('",
  "'[a-'",
  'TLS12',
  'TLS09',
  '<secret>',
] as const;

/** Places of a file in which a value stands, by a name. `@` is the value. */
const PLACES: Readonly<Record<string, string>> = {
  receiver_name: 'route: { receiver: a }\nreceivers: [{ name: @ }]\n',
  route_receiver: 'route: { receiver: @ }\nreceivers: [{ name: a }, { name: yes }, { name: 007 }]\n',
  continue: 'route: { receiver: a, routes: [{ continue: @ }] }\nreceivers: [{ name: a }]\n',
  group_by: 'route: { receiver: a, group_by: @ }\nreceivers: [{ name: a }]\n',
  group_by_item: 'route: { receiver: a, group_by: [@] }\nreceivers: [{ name: a }]\n',
  group_wait: 'route: { receiver: a, group_wait: @ }\nreceivers: [{ name: a }]\n',
  group_interval: 'route: { receiver: a, group_interval: @ }\nreceivers: [{ name: a }]\n',
  repeat_interval: 'route: { receiver: a, repeat_interval: @ }\nreceivers: [{ name: a }]\n',
  match: 'route: { receiver: a, routes: [{ match: @ }] }\nreceivers: [{ name: a }]\n',
  match_value: 'route: { receiver: a, routes: [{ match: { a: @ } }] }\nreceivers: [{ name: a }]\n',
  match_re_value: 'route: { receiver: a, routes: [{ match_re: { a: @ } }] }\nreceivers: [{ name: a }]\n',
  matchers: 'route: { receiver: a, routes: [{ matchers: @ }] }\nreceivers: [{ name: a }]\n',
  matchers_item: 'route: { receiver: a, routes: [{ matchers: [@] }] }\nreceivers: [{ name: a }]\n',
  routes: 'route: { receiver: a, routes: @ }\nreceivers: [{ name: a }]\n',
  equal: 'route: { receiver: a }\nreceivers: [{ name: a }]\ninhibit_rules: [{ equal: @ }]\n',
  source_match_re:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ninhibit_rules: [{ source_match_re: { a: @ } }]\n',
  inhibit_rules: 'route: { receiver: a }\nreceivers: [{ name: a }]\ninhibit_rules: @\n',
  resolve_timeout: 'global: { resolve_timeout: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  smtp_require_tls: 'global: { smtp_require_tls: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  smtp_smarthost: 'global: { smtp_smarthost: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  smtp_from: 'global: { smtp_from: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  slack_api_url: 'global: { slack_api_url: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  pagerduty_url: 'global: { pagerduty_url: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  http_config: 'global: { http_config: @ }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  basic_auth:
    'global: { http_config: { basic_auth: @ } }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  proxy_url: 'global: { http_config: { proxy_url: @ } }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  min_version:
    'global: { http_config: { tls_config: { min_version: @ } } }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  global: 'global: @\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  templates: 'templates: @\nroute: { receiver: a }\nreceivers: [{ name: a }]\n',
  receivers: 'route: { receiver: a }\nreceivers: @\n',
  webhook_configs: 'route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: @ }]\n',
  send_resolved:
    'route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: "http://x", send_resolved: @ }] }]\n',
  max_alerts:
    'route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: "http://x", max_alerts: @ }] }]\n',
  time_intervals:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: @ }]\n',
  start_time:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: [{ times: [{ start_time: @, end_time: "23:59" }] }] }]\n',
  weekdays:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: [{ weekdays: [@] }] }]\n',
  days_of_month:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: [{ days_of_month: [@] }] }]\n',
  months:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: [{ months: [@] }] }]\n',
  years:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: [{ years: [@] }] }]\n',
  location:
    'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: t, time_intervals: [{ location: @ }] }]\n',
  interval_name: 'route: { receiver: a }\nreceivers: [{ name: a }]\ntime_intervals: [{ name: @ }]\n',
};

/** Entries of receivers, by their kinds: settings with a value at `@`. */
const ENTRIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  email: {
    to: '{ to: @, from: a, smarthost: "h:25" }',
    from: '{ to: a, from: @, smarthost: "h:25" }',
    smarthost: '{ to: a, from: a, smarthost: @ }',
    require_tls: '{ to: a, from: a, smarthost: "h:25", require_tls: @ }',
    headers: '{ to: a, from: a, smarthost: "h:25", headers: @ }',
    header: '{ to: a, from: a, smarthost: "h:25", headers: { Subject: @ } }',
    auth_password: '{ to: a, from: a, smarthost: "h:25", auth_password: @ }',
    tls_config: '{ to: a, from: a, smarthost: "h:25", tls_config: @ }',
    send_resolved: '{ to: a, from: a, smarthost: "h:25", send_resolved: @ }',
  },
  pagerduty: {
    routing_key: '{ routing_key: @ }',
    service_key: '{ service_key: @ }',
    url: '{ routing_key: k, url: @ }',
    details: '{ routing_key: k, details: @ }',
    detail: '{ routing_key: k, details: { a: @ } }',
    images: '{ routing_key: k, images: @ }',
    links: '{ routing_key: k, links: [@] }',
    severity: '{ routing_key: k, severity: @ }',
  },
  pushover: {
    user_key: '{ user_key: @, token: t }',
    retry: '{ user_key: u, token: t, retry: @ }',
    expire: '{ user_key: u, token: t, expire: @ }',
    html: '{ user_key: u, token: t, html: @ }',
    priority: '{ user_key: u, token: t, priority: @ }',
  },
  opsgenie: {
    api_key: '{ api_key: @ }',
    api_url: '{ api_key: k, api_url: @ }',
    details: '{ api_key: k, details: @ }',
    responders: '{ api_key: k, responders: @ }',
    responder: '{ api_key: k, responders: [{ name: @, type: team }] }',
    responder_type: '{ api_key: k, responders: [{ name: n, type: @ }] }',
    update_alerts: '{ api_key: k, update_alerts: @ }',
    priority: '{ api_key: k, priority: @ }',
  },
  victorops: {
    api_key: '{ api_key: @, routing_key: r }',
    routing_key: '{ api_key: k, routing_key: @ }',
    custom_fields: '{ api_key: k, routing_key: r, custom_fields: @ }',
    api_url: '{ api_key: k, routing_key: r, api_url: @ }',
  },
  slack: {
    api_url: '{ api_url: @ }',
    channel: '{ api_url: "http://x", channel: @ }',
    short_fields: '{ api_url: "http://x", short_fields: @ }',
    fields: '{ api_url: "http://x", fields: @ }',
    field: '{ api_url: "http://x", fields: [{ title: t, value: @ }] }',
    short: '{ api_url: "http://x", fields: [{ title: t, value: v, short: @ }] }',
    actions: '{ api_url: "http://x", actions: @ }',
    action: '{ api_url: "http://x", actions: [{ type: button, text: t, url: @ }] }',
    confirm: '{ api_url: "http://x", actions: [{ type: button, text: t, name: n, confirm: { text: @ } }] }',
    mrkdwn_in: '{ api_url: "http://x", mrkdwn_in: @ }',
    link_names: '{ api_url: "http://x", link_names: @ }',
  },
  telegram: {
    bot_token: '{ bot_token: @, chat_id: 1 }',
    chat_id: '{ bot_token: t, chat_id: @ }',
    parse_mode: '{ bot_token: t, chat_id: 1, parse_mode: @ }',
    disable_notifications: '{ bot_token: t, chat_id: 1, disable_notifications: @ }',
    api_url: '{ bot_token: t, chat_id: 1, api_url: @ }',
  },
  wechat: {
    api_secret: '{ api_secret: @, corp_id: c }',
    corp_id: '{ api_secret: s, corp_id: @ }',
    message_type: '{ api_secret: s, corp_id: c, message_type: @ }',
  },
  sns: {
    topic_arn: '{ topic_arn: @ }',
    target_arn: '{ topic_arn: a, target_arn: @ }',
    attributes: '{ topic_arn: a, attributes: @ }',
    sigv4: '{ topic_arn: a, sigv4: @ }',
    access_key: '{ topic_arn: a, sigv4: { access_key: @ } }',
  },
  discord: {
    webhook_url: '{ webhook_url: @ }',
    title: '{ webhook_url: "http://x", title: @ }',
  },
  webex: {
    room_id: '{ room_id: @, http_config: { authorization: { credentials: c } } }',
    authorization: '{ room_id: r, http_config: { authorization: @ } }',
  },
  webhook: {
    url: '{ url: @ }',
  },
};

/** Every value in every place: files by the names that say what stands in them. */
export function scalarFiles(): ReadonlyMap<string, string> {
  const entries = Object.entries(ENTRIES).flatMap(([kind, keys]) =>
    Object.entries(keys).map(([key, entry]) => {
      const file = `route: { receiver: a }\nreceivers: [{ name: a, ${kind}_configs: [${entry}] }]\n`;
      return [`${kind}-${key}`, file] as const;
    }),
  );
  const files = new Map<string, string>();
  for (const [place, file] of [...Object.entries(PLACES), ...entries]) {
    for (const [index, scalar] of [...new Set(SCALARS)].entries()) {
      files.set(
        `${place}-${index}.yml`,
        file.replace('@', () => scalar),
      );
    }
  }
  return files;
}
