export { encodeError } from './otlp/answer.ts';
export {
  createOtlpReceiver,
  encodingOf,
  type OtlpReceiver,
  type ReceivedLogRecord,
  type ReceivedSpan,
} from './otlp/receiver.ts';
export { type Encoding } from './otlp/request.ts';
