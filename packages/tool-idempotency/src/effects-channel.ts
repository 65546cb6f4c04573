/** The private channel of an execution's branch, and of the nodes whose own calls are accounted for. */
export const BRANCH_CHANNEL = "_effects";
