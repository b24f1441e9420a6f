/** What a function gives that takes long: it is worked out with pauses offered on the way. */
export class InPieces<Value> {
  readonly work: Generator<void, Value>;

  constructor(work: Generator<void, Value>) {
    this.work = work;
  }
}
