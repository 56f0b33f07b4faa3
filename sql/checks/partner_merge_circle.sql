-- partner_merge_circle: merges of partner records end at a survivor; those listed run in a circle and end at its
--   smallest key.
-- severity: warning
-- table: canonical.partner_identity
-- next: end the merge at one record in the CRM
WITH links AS (
    SELECT partner_id AS ref, merged_into_partner_ref AS next_ref, merged_into_partner_id AS survivor_id, _file, _row
    FROM canonical.partner
    WHERE merged_into_partner_ref IS NOT NULL AND NOT _deleted
)

SELECT ref, next_ref, survivor_id, _file, _row
FROM links
WHERE survivor_id = ref
