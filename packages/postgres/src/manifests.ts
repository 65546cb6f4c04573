import { storeInput } from "@evenkeel/core";
import type { ManifestStore } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn } from "./key-column.ts";

/** Manifest bodies in the table `manifests`, by hash inside a scope. */
export function manifestStore({ query, schema, bodies }: Connection): ManifestStore {
  // Writing it again keeps the body and marks it as used; the hour keeps that from costing a write
  // each time.
  const put = `INSERT INTO ${schema}.manifests AS kept (scope, hash, used_at, body, sealed)
    VALUES ($1, $2, now(), $3, $4)
    ON CONFLICT (scope, hash) DO UPDATE SET used_at = now()
    WHERE kept.used_at < now() - interval '1 hour'`;
  const get = `SELECT body, sealed FROM ${schema}.manifests WHERE scope = $1 AND hash = $2`;

  return {
    async putManifest(scope, hash, manifest) {
      const json = storeInput.storedJson(manifest, "A manifest");
      const { body, sealed } = await bodies.seal(json);
      await query(put, [
        keyColumn(storeInput.checkedText(scope, "scope")),
        keyColumn(storeInput.checkedText(hash, "hash")),
        body,
        sealed,
      ]);
    },
    async getManifest(scope, hash) {
      const [row] = await query(get, [keyColumn(scope), keyColumn(hash)]);
      return row === undefined ? undefined : bodies.open(row, `Manifest ${hash}`);
    },
  };
}
