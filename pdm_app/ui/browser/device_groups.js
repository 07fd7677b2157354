/* What the page of device groups makes of what people type, and of what is told about each device. */

/** The form of a new group, or of one that is changed. */
export function formOf(group = {}) {
  return { name: group.name ?? "", note: group.note ?? "", kind: group.id && group.filter === null ? "named" : "filter", filter: group.filter ?? "", device_ids: group.device_ids ?? [] };
}

/** What the RPC is asked for, of what stands in the form. */
export function factsOf(form, siteId) {
  const isFilter = form.kind === "filter";
  return { site_id: siteId, name: form.name.trim(), note: form.note.trim(), filter: isFilter ? form.filter.trim() : null, device_ids: isFilter ? [] : form.device_ids };
}

/** A preview needs no name yet. */
export const previewOf = (form, siteId) => ({ ...factsOf(form, siteId), name: form.name.trim() || "preview" });

/** Members first, then by code. */
export const byMembership = (told) =>
  [...told].sort((one, other) => Number(other.is_member) - Number(one.is_member) || one.code.localeCompare(other.code, "en", { numeric: true }));

/** Versions with how many devices run them: [{version, count}], the most frequent first; "" is of devices that said none. */
export const versionsOf = (versions) =>
  Object.entries(versions).map(([version, count]) => ({ version, count })).sort((one, other) => other.count - one.count || one.version.localeCompare(other.version));

export const turned = (ids, id) => (ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]);
