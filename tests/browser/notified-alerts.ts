/** Both fire as soon as Omoi has samples of itself, for as long as the tests last; one says that it is critical. */
export const RULES = `
groups:
  - name: here
    rules:
      - alert: DiskIsFull
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: critical, team: web, disk: a }
        annotations: { summary: 'the disk is full' }
      - alert: DiskIsSlow
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: warning, team: web, disk: b }
      - alert: NobodyCares
        expr: omoi_sample_clock_lead_seconds > -1000000
        labels: { severity: info, team: mail }
      - alert: PartBroken
        expr: part_broken > 0
        labels: { severity: info }
      - alert: StrangerIsSilent
        expr: stranger_silent > 0
        labels: { severity: info, agent_id: stranger-1 }
`;

/** Nobody restarts what Omoi has not started. */
export const POLICY = `
name: restart_stranger
match: ['alertname="StrangerIsSilent"']
target: { kind: agent, label: agent_id }
mode: act
steps: [{ action: restart, verify: { within: 20s } }]
guards: { cooldown: 0s }
`;

export const routing = (webhook: string): string => `
route:
  receiver: desk
  group_by: ['...']
  group_wait: 0s
  routes:
    - matchers: [team="web", severity="critical"]
      receiver: pager
    - matchers: [team="web"]
      receiver: broken
      continue: true
    - matchers: [alertname="PartBroken"]
      receiver: rack
      group_by: [alertname]
      group_wait: 2s
    - matchers: [team="mail"]
      receiver: nights
      mute_time_intervals: [always]
receivers:
  - name: desk
    webhook_configs: [{ url: '${webhook}/desk' }]
  - name: pager
    webhook_configs: [{ url: '${webhook}/pager' }]
  - name: broken
    webhook_configs: [{ url: '${webhook}/down' }]
  - name: nights
    webhook_configs: [{ url: '${webhook}/nights' }]
  - name: rack
    webhook_configs:
      - url: '${webhook}/rack'
        payload: { status: '{{ .Status }}', alerts: [], link: '{{ .AcknowledgeAll }}' }
x-omoi:
  people:
    ada: { receiver: pager }
    grace: { receiver: desk }
  on_call:
    infra:
      time_zone: Europe/Berlin
      layers:
        - { people: [ada, grace], rotation: weekly, hand_over: '09:00', hand_over_weekday: monday, starts_on: 2026-11-30 }
time_intervals:
  - { name: always, time_intervals: [{ times: [{ start_time: '00:00', end_time: '24:00' }] }] }
`;
