import { Broken } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 12. */
export const names: Law = {
  law: 12,
  title: "`name` unique and equal to the factory's",
  fix: 'give the definition the factory\'s own name (`export function loopDetectionMiddleware` → `name: "loopDetectionMiddleware"`), the same for every instance: state, modes and events are found by it. A user who needs two passes a `name` option.',
  async check({ idle, others, factoryName }) {
    const { name } = idle.create();
    if (!/^[a-z][A-Za-z0-9]*Middleware$/.test(name)) {
      throw new Broken(`the name "${name}" is not \`<concern>Middleware\`.`);
    }
    const again = idle.create().name;
    if (again !== name) {
      throw new Broken(`two instances are named differently: "${name}" and "${again}".`);
    }
    if (factoryName !== undefined && factoryName !== name) {
      throw new Broken(`the middleware is named "${name}" and its factory "${factoryName}".`);
    }
    const namesake = others.find((other) => other().name === name);
    if (namesake !== undefined) throw new Broken(`another package is named "${name}" as well.`);
  },
};
