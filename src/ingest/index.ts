export { encodeError, type Encoding } from './otlp/answer.ts';
export {
  createOtlpReceiver,
  encodingOf,
  type OtlpReceiver,
  type OtlpReceiverOptions,
} from './otlp/receiver.ts';
export {
  createRemoteWriteReceiver,
  type RemoteWriteParts,
  type RemoteWriteReceiver,
  type RemoteWriteRequest,
} from './remote-write/receiver.ts';
