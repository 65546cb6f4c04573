/** One call's place among the calls that came into a node together. */
export interface Turn {
  /** Says that the call has nothing to ask now; goes on once every call has said so or asked. */
  known(): Promise<void>;
  /** Asks once every call has said what it has to ask, in the order of the calls. */
  ask<Answer>(question: () => Answer): Promise<Answer>;
  /** Says that the call is over, however it ended: nobody waits for it any more. */
  over(): void;
}

interface Question {
  readonly index: number;
  readonly put: () => void;
}

interface Gate {
  undecided: number;
  questions: Question[];
  waiting: (() => void)[];
}

const gates = new WeakMap<object, Gate>();

/**
 * Lets the calls of one node ask in the order of their message. LangGraph answers the questions of a
 * task by their order, so an answer would reach another call if that order were left to chance.
 */
export function takeTurn(node: object, index: number): Turn {
  const gate = gates.get(node) ?? { undecided: 0, questions: [], waiting: [] };
  gates.set(node, gate);
  let undecided = false;
  const enter = (): void => {
    if (!undecided) gate.undecided += 1;
    undecided = true;
  };
  const leave = (): void => {
    if (undecided) gate.undecided -= 1;
    undecided = false;
    if (gate.undecided === 0) open(gate);
  };
  enter();
  return {
    over: leave,
    known: () =>
      new Promise((go) => {
        gate.waiting.push(go);
        leave();
      }),
    ask: (question) => {
      enter();
      return new Promise((answer, reject) => {
        const put = (): void => {
          try {
            answer(question());
          } catch (error) {
            reject(error);
          }
        };
        gate.questions.push({ index, put });
        leave();
      });
    },
  };
}

function open(gate: Gate): void {
  for (const { put } of gate.questions.splice(0).toSorted((a, b) => a.index - b.index)) put();
  for (const go of gate.waiting.splice(0)) go();
}
