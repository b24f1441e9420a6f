import { msteamsReceiver } from './msteams/msteams.ts';
import type { ReceiverKind } from './receiver-kind.ts';
import { snsReceiver } from './sns/sns.ts';
import { wechatReceiver } from './wechat/wechat.ts';

/** Every kind of integration that a receiver may have. */
export const RECEIVER_KINDS: readonly ReceiverKind[] = [
  anyKind(msteamsReceiver),
  anyKind(snsReceiver),
  anyKind(wechatReceiver),
];

/** A kind among others: its settings are known to itself alone, which is given none but those that it has read. */
export function anyKind<Settings>(kind: ReceiverKind<Settings>): ReceiverKind {
  return kind as unknown as ReceiverKind;
}
