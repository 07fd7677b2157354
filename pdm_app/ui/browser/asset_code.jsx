/* The code of a machine, looked up by its id, leading to its page. */
import { pageOf } from "./alarms.js";
import { usePlaces } from "./directory.js";
import { Go } from "./parts.jsx";

export function AssetCode({ assetId }) {
  const asset = usePlaces().get(assetId)?.asset;
  if (!assetId) return null;
  return <Go to={pageOf(assetId)} className="code asset-link" title={asset?.name}>{asset?.code ?? assetId}</Go>;
}
